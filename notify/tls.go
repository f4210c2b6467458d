package notify

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// tlsConfig returns what both channels need of TLS. With a caFile only the
// certificates in it are trusted, not the system's. The error is an *OptionError.
func tlsConfig(caFile, certFile, keyFile string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile != "" {
		pem, err := os.ReadFile(caFile)
		if err != nil {
			return nil, &OptionError{"CAFile", fmt.Errorf("read CA file: %w", err)}
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, &OptionError{"CAFile", fmt.Errorf("CA file %s holds no PEM certificate", caFile)}
		}
	}
	if certFile == "" && keyFile == "" {
		return config, nil
	}
	if certFile == "" || keyFile == "" {
		missing := "CertFile"
		if keyFile == "" {
			missing = "KeyFile"
		}
		return nil, &OptionError{missing, errors.New("a client certificate needs its key, and a key its certificate")}
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, &OptionError{"CertFile", fmt.Errorf("load client certificate: %w", err)}
	}
	config.Certificates = []tls.Certificate{pair}
	return config, nil
}

// describeTLS words the state of a connection for a trace.
func describeTLS(state tls.ConnectionState) string {
	text := tls.VersionName(state.Version) + ", " + tls.CipherSuiteName(state.CipherSuite)
	if len(state.PeerCertificates) > 0 {
		cert := state.PeerCertificates[0]
		text += fmt.Sprintf(", certificate valid until %s", cert.NotAfter.UTC().Format("2006-01-02"))
	}
	return text
}
