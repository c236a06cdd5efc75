package metrics

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"net"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/cert"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	aggregator "k8s.io/kube-aggregator/pkg/client/clientset_generated/clientset"
	"k8s.io/utils/ptr"
)

// The Service that the API server finds this one behind, and the API.
const (
	namespace = "kube-system"
	name      = "external-metrics"

	group   = "external.metrics.k8s.io"
	version = "v1beta1"
)

// makeCertificate makes the certificate by which the API server knows this one, and its authority.
func makeCertificate() (tls.Certificate, []byte, error) {
	chain, key, err := cert.GenerateSelfSignedCertKey(name+"."+namespace+".svc", nil, nil)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	// The chain is the certificate and then its authority's.
	_, authority := pem.Decode(chain)
	certificate, err := tls.X509KeyPair(chain, key)
	return certificate, authority, err
}

// register makes the API server send requests for the API to an address. As there is no
// kube-proxy, the Service is another name for that address.
func register(
	ctx context.Context, client kubernetes.Interface, services aggregator.Interface, at net.Addr, authority []byte,
) error {
	tcp, ok := at.(*net.TCPAddr)
	if !ok {
		return errors.New("not listening at " + strconv.Quote(at.String()))
	}
	meta := metav1.ObjectMeta{Name: name, Namespace: namespace}
	spec := corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: tcp.IP.String()}
	service := &corev1.Service{ObjectMeta: meta, Spec: spec}
	if _, err := client.CoreV1().Services(namespace).Create(ctx, service, metav1.CreateOptions{}); err != nil {
		return err
	}
	api := &apiregistrationv1.APIService{
		ObjectMeta: metav1.ObjectMeta{Name: version + "." + group},
		Spec: apiregistrationv1.APIServiceSpec{
			Group: group, Version: version,
			GroupPriorityMinimum: 100, VersionPriority: 100,
			CABundle: authority,
			Service: &apiregistrationv1.ServiceReference{
				Namespace: namespace, Name: name, Port: ptr.To(int32(tcp.Port)),
			},
		},
	}
	_, err := services.ApiregistrationV1().APIServices().Create(ctx, api, metav1.CreateOptions{})
	return err
}
