// Package metrics is what an adapter of external metrics is in a cluster: the API
// external.metrics.k8s.io, which autoscalers ask for numbers that come from outside. Here they
// come from ConfigMaps, so that a test says what they are by writing one.
package metrics

import (
	"context"
	"crypto/tls"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
	aggregator "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset"
)

// Main is the sub-command. It ends only with an error.
func Main() int {
	flags := flag.NewFlagSet("metrics", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "credentials for the API server")
	address := flags.String("address", "", "the address to listen at, with the port")
	_ = flags.Parse(os.Args[1:])

	if err := run(context.Background(), *kubeconfig, *address); err != nil {
		klog.ErrorS(err, "The external metrics have stopped")
		return 1
	}
	return 0
}

func run(ctx context.Context, kubeconfig, address string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config.UserAgent = "external-metrics"
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	services, err := aggregator.NewForConfig(config)
	if err != nil {
		return err
	}
	certificate, authority, err := makeCertificate()
	if err != nil {
		return fmt.Errorf("making the certificate: %w", err)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	// Whoever finds the API registered finds it open.
	if err := register(ctx, client, services, listener.Addr(), authority); err != nil {
		return fmt.Errorf("registering the API: %w", err)
	}
	server := &http.Server{
		Handler:           handler(client),
		ReadHeaderTimeout: time.Minute,
		TLSConfig:         &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
	}
	return server.ServeTLS(listener, "", "")
}
