//! Where MQTT 3.1 differs from 3.1.1; `conformance/mqtt31.tsv` lists these tests.
