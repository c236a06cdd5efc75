package node

import (
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
)

// answer is what a pod says to every HTTP request: who it is.
type answer struct {
	Pod       string `json:"pod"`
	Namespace string `json:"namespace"`
	Node      string `json:"node"`
	Container string `json:"container"`
	Image     string `json:"image"`
	// Hash is the pod template hash, under whichever label its controller keeps it.
	Hash string `json:"hash"`
}

// hashLabels are the labels under which controllers keep the hash of the pod template.
var hashLabels = []string{"rollouts-pod-template-hash", "pod-template-hash"}

// serve opens the TCP ports of a container on the pod's own address.
func serve(pod *corev1.Pod, spec *corev1.Container, ip string, behave behaviour) []*http.Server {
	who := answer{
		Pod:       pod.Name,
		Namespace: pod.Namespace,
		Node:      pod.Spec.NodeName,
		Container: spec.Name,
		Image:     spec.Image,
	}
	for _, label := range hashLabels {
		if who.Hash == "" {
			who.Hash = pod.Labels[label]
		}
	}
	body, err := json.Marshal(who)
	if err != nil {
		klog.ErrorS(err, "Cannot describe pod", "pod", klog.KObj(pod))
		return nil
	}
	body = append(body, '\n')
	handler := newApplication(body, behave.httpStatus, behave.errorRate)

	var servers []*http.Server
	for _, port := range spec.Ports {
		if port.Protocol != corev1.ProtocolTCP && port.Protocol != "" {
			continue
		}
		address := net.JoinHostPort(ip, strconv.Itoa(int(port.ContainerPort)))
		listener, err := net.Listen("tcp", address)
		if err != nil {
			klog.ErrorS(err, "Cannot open port", "pod", klog.KObj(pod), "container", spec.Name)
			continue
		}
		server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
		go func() { _ = server.Serve(listener) }()
		servers = append(servers, server)
	}
	return servers
}
