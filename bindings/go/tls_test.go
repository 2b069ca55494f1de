package mqttrs_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mqttrs"
)

// authority makes certificates.
type authority struct {
	t    testing.TB
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{t: t}
	certPEM, keyPEM := a.issue("authority of the tests", true)
	a.pem = certPEM
	certDER, _ := pem.Decode(certPEM)
	keyDER, _ := pem.Decode(keyPEM)
	var err error
	if a.cert, err = x509.ParseCertificate(certDER.Bytes); err != nil {
		t.Fatal(err)
	}
	if a.key, err = x509.ParseECPrivateKey(keyDER.Bytes); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *authority) issue(name string, isCA bool) (cert, key []byte) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<62))
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, IsCA: isCA,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	parent, signer := a.cert, a.key
	if isCA {
		template.KeyUsage = x509.KeyUsageCertSign
		template.ExtKeyUsage = nil
		template.IPAddresses = nil
		parent, signer = template, private
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &private.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		a.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER})
}

// startTLSBroker starts a broker that wants certificates of clients.
func startTLSBroker(t *testing.T, a *authority) *broker {
	t.Helper()
	folder := t.TempDir()
	cert, key := a.issue("127.0.0.1", false)
	return startBroker(t, "per_listener_settings false",
		"listener {extra} 127.0.0.1",
		"cafile "+write(t, folder, "ca.pem", a.pem),
		"certfile "+write(t, folder, "server.pem", cert),
		"keyfile "+write(t, folder, "server.key", key),
		"require_certificate true")
}

func write(t testing.TB, folder, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTLSWithAClientCertificateFromFilesAndFromMemory(t *testing.T) {
	a := newAuthority(t)
	b := startTLSBroker(t, a)
	url := fmt.Sprintf("mqtts://127.0.0.1:%d", b.extra)
	cert, key := a.issue("a client", false)
	folder := t.TempDir()
	certFile, keyFile := write(t, folder, "c.pem", cert), write(t, folder, "c.key", key)
	for name, options := range map[string]mqttrs.TLS{
		"files":                  {CAFile: write(t, folder, "ca.pem", a.pem), CertFile: certFile, KeyFile: keyFile},
		"memory":                 {CA: a.pem, Cert: cert, Key: key},
		"authority in memory":    {CA: a.pem, CertFile: certFile, KeyFile: keyFile},
		"any server, TLS 1.3":    {InsecureAll: true, Cert: cert, Key: key, MinVersion: "tlsv1.3"},
		"an encrypted key":       {CA: a.pem, Cert: cert, Key: encrypted(t, key), KeyPassword: "open sesame"},
		"the system's and these": {CA: a.pem, SystemCAs: true, Cert: cert, Key: key},
	} {
		t.Run(name, func(t *testing.T) {
			options := options
			c := dial(t, url, mqttrs.Options{TLS: &options})
			messages := c.Messages(soon(t))
			subscribe(t, c, "tls", mqttrs.AtLeastOnce)
			publish(t, c, "tls", "secret", mqttrs.ExactlyOnce)
			if m := next(t, messages); string(m.Payload) != "secret" {
				t.Errorf("%+v", m)
			}
		})
	}
}

// encrypted is a key with a password, as OpenSSL once wrote it.
func encrypted(t testing.TB, key []byte) []byte {
	t.Helper()
	plain, _ := pem.Decode(key)
	block, err := x509.EncryptPEMBlock(rand.Reader, plain.Type, plain.Bytes, []byte("open sesame"), x509.PEMCipherAES256)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block)
}

func TestTLSFailsWithAReasonWhereNobodyIsTrusted(t *testing.T) {
	a := newAuthority(t)
	b := startTLSBroker(t, a)
	url := fmt.Sprintf("mqtts://127.0.0.1:%d", b.extra)
	_, err := mqttrs.Dial(soon(t), url, mqttrs.Options{TLS: &mqttrs.TLS{CA: newAuthority(t).pem}})
	mustBe(t, err, mqttrs.ErrTLS)
	if !strings.Contains(err.Error(), "certificate") {
		t.Errorf("%v", err)
	}
}

func TestTLSOptionsThatCannotBeUsedAreErrors(t *testing.T) {
	for _, options := range []mqttrs.TLS{
		{CA: []byte("no certificate")},
		{CAFile: "/nonexistent"},
		{CertFile: "/nonexistent", KeyFile: "/nonexistent"},
		{Pins: "nonsense"},
		{MinVersion: "ssl3"},
	} {
		options := options
		if _, err := mqttrs.NewClient("mqtts://127.0.0.1", mqttrs.Options{TLS: &options}); err == nil {
			t.Errorf("%+v passes", options)
		}
	}
}
