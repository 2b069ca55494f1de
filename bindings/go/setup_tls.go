package mqttrs

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"net/url"
	"os"
	"strconv"
)

func (c *Client) setTLS(a *arena) error {
	t := c.options.TLS
	if t == nil {
		t = &TLS{}
	}
	m := c.c.mosq
	nobody := t.CAFile == "" && t.CAPath == "" && len(t.CA) == 0
	files := t.CAFile != "" || t.CAPath != ""
	cert, key := t.Cert, t.Key
	if !files && t.CertFile != "" {
		// The call for files wants one of the authority too.
		var err error
		if cert, err = os.ReadFile(t.CertFile); err == nil {
			key, err = os.ReadFile(t.KeyFile)
		}
		if err != nil {
			return err
		}
	}
	steps := []struct {
		want bool
		do   func() C.int
	}{
		{files, func() C.int {
			return C.mosquitto_tls_set(m, a.text(t.CAFile), a.text(t.CAPath), a.text(t.CertFile), a.text(t.KeyFile), nil)
		}},
		{nobody && t.InsecureAll, func() C.int { return C.mqttrs_tls_ca_set(m, nil, 0) }},
		{t.SystemCAs || nobody && !t.InsecureAll, func() C.int { return C.mosquitto_int_option(m, C.MOSQ_OPT_TLS_USE_OS_CERTS, 1) }},
		{len(t.CA) > 0, func() C.int {
			data, size := untyped(t.CA)
			return C.mqttrs_tls_ca_set(m, data, size)
		}},
		{len(cert) > 0 || len(key) > 0, func() C.int {
			cert, certSize := untyped(cert)
			key, keySize := untyped(key)
			return C.mqttrs_tls_certificate_set(m, cert, certSize, key, keySize)
		}},
		{t.KeyPassword != "", func() C.int { return C.mqg_key_password(c.c, a.text(t.KeyPassword)) }},
		{len(t.CRL) > 0, func() C.int {
			data, size := untyped(t.CRL)
			return C.mqttrs_tls_crl_set(m, data, size)
		}},
		{t.CRLFile != "", func() C.int { return C.mqttrs_tls_crl_file_set(m, a.text(t.CRLFile)) }},
		{t.Pins != "", func() C.int { return C.mqttrs_tls_pins_set(m, a.text(t.Pins)) }},
		{len(t.ALPN) > 0, func() C.int {
			return C.mqttrs_tls_alpn_set(m, a.texts(t.ALPN), C.size_t(len(t.ALPN)))
		}},
		{t.MinVersion != "" || t.Ciphers != "" || t.InsecureAll, func() C.int {
			verify := C.int(1)
			if t.InsecureAll {
				verify = 0
			}
			return C.mosquitto_tls_opts_set(m, verify, a.text(t.MinVersion), a.text(t.Ciphers))
		}},
		{t.InsecureHost, func() C.int { return C.mosquitto_tls_insecure_set(m, true) }},
	}
	for _, step := range steps {
		if step.want {
			if rc := step.do(); rc != C.MOSQ_ERR_SUCCESS {
				return codeError("option TLS", int(rc), 0, c.lastError())
			}
		}
	}
	return nil
}

func (c *Client) setProxy(a *arena) error {
	if c.options.Proxy == "" {
		return nil
	}
	u, err := url.Parse(c.options.Proxy)
	if err != nil {
		return &OpError{Op: "option Proxy", Err: ErrInvalid, Detail: err.Error()}
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		return &OpError{Op: "option Proxy", Err: ErrInvalid, Detail: "no port"}
	}
	password, _ := u.User.Password()
	rc := C.int(C.MOSQ_ERR_INVAL)
	host, name, word := a.text(u.Hostname()), a.text(u.User.Username()), a.text(password)
	switch u.Scheme {
	case "socks5":
		rc = C.mosquitto_socks5_set(c.c.mosq, host, C.int(port), name, word)
	case "http":
		rc = C.mqttrs_http_proxy_set(c.c.mosq, host, C.int(port), name, word)
	}
	return codeError("option Proxy", int(rc), 0, c.lastError())
}
