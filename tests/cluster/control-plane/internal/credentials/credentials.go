// Package credentials makes everything secret that a control plane needs to be started: the API
// server's certificate, the key that signs service account tokens, and for each user a token
// with the kubeconfig that holds it.
package credentials

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/pem"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/client-go/util/cert"
	"k8s.io/client-go/util/keyutil"
)

// users are the identities that may log in. The components have the names that the API server's
// own RBAC rules are for.
var users = []struct{ file, name, group string }{
	{"admin", "admin", "system:masters"},
	{"controller-manager", "system:kube-controller-manager", ""},
	{"scheduler", "system:kube-scheduler", ""},
	{"node", "node-stand-in", "system:masters"},
	{"metrics", "external-metrics", "system:masters"},
}

// Main is the sub-command: it fills a directory.
func Main() int {
	flags := flag.NewFlagSet("credentials", flag.ExitOnError)
	dir := flags.String("dir", "", "where to write")
	host := flags.String("host", "", "address of the API server")
	port := flags.Int("port", 6443, "port of the API server")
	serviceIP := flags.String("service-ip", "", "cluster address of the API server's Service")
	_ = flags.Parse(os.Args[1:])

	if err := write(*dir, *host, *port, *serviceIP); err != nil {
		fmt.Fprintln(os.Stderr, "credentials:", err)
		return 1
	}
	return 0
}

func write(dir, host string, port int, serviceIP string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	put := func(name string, content []byte) error {
		return os.WriteFile(filepath.Join(dir, name), content, 0o600)
	}

	chain, key, err := cert.GenerateSelfSignedCertKey(host,
		[]net.IP{net.IPv4(127, 0, 0, 1), net.ParseIP(serviceIP)},
		[]string{"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"})
	if err != nil {
		return fmt.Errorf("making the certificate: %w", err)
	}
	// The chain is the server's certificate and then its authority's.
	_, authority := pem.Decode(chain)
	signer, err := signingKey()
	if err != nil {
		return fmt.Errorf("making the signing key: %w", err)
	}
	for name, content := range map[string][]byte{
		"tls.crt": chain, "tls.key": key, "ca.crt": authority, "service-accounts.key": signer,
	} {
		if err := put(name, content); err != nil {
			return err
		}
	}

	var tokens strings.Builder
	for _, user := range users {
		token := rand.Text()
		fmt.Fprintf(&tokens, "%s,%s,%s,%q\n", token, user.name, user.name, user.group)
		config := kubeconfig(fmt.Sprintf("https://%s:%d", host, port), authority, user.name, token)
		if err := clientcmd.WriteToFile(config, filepath.Join(dir, user.file+".kubeconfig")); err != nil {
			return err
		}
	}
	return put("tokens.csv", []byte(tokens.String()))
}

func signingKey() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return keyutil.MarshalPrivateKeyToPEM(key)
}

func kubeconfig(server string, authority []byte, user, token string) clientcmdapi.Config {
	const name = "sluice-test"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: authority}
	config.AuthInfos[user] = &clientcmdapi.AuthInfo{Token: token}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: user, Namespace: "default"}
	config.CurrentContext = name
	return *config
}
