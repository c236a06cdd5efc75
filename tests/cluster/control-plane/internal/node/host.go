package node

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/component-base/version"
	"k8s.io/klog/v2"
	"k8s.io/utils/ptr"
)

const (
	leaseDuration = 40 * time.Second
	leaseRenewal  = 10 * time.Second

	// 10.200.0.0/20 belongs to the control plane and the nodes themselves; each node has the
	// next /20 for its pods.
	maxHosts = 15
)

// host is one node.
type host struct {
	name      string
	ip        string
	zone      string
	addresses *addresses
}

func newHosts(count int) (map[string]*host, error) {
	if count < 1 || count > maxHosts {
		return nil, fmt.Errorf("want 1 to %d nodes, not %d", maxHosts, count)
	}
	hosts := map[string]*host{}
	for i := 1; i <= count; i++ {
		h := &host{
			name:      fmt.Sprintf("node-%d", i),
			ip:        fmt.Sprintf("10.200.0.%d", 10+i),
			zone:      fmt.Sprintf("zone-%d", i),
			addresses: newAddresses(netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 200, byte(16 * i), 0}), 20)),
		}
		hosts[h.name] = h
	}
	return hosts, nil
}

// register creates the node, ready.
func (h *host) register(ctx context.Context, client kubernetes.Interface) error {
	node := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{
			Name: h.name,
			Labels: map[string]string{
				corev1.LabelHostname:       h.name,
				corev1.LabelOSStable:       runtime.GOOS,
				corev1.LabelArchStable:     runtime.GOARCH,
				corev1.LabelTopologyZone:   h.zone,
				corev1.LabelTopologyRegion: "region-1",
			},
		},
		Spec: corev1.NodeSpec{
			PodCIDR:  h.addresses.cidr.String(),
			PodCIDRs: []string{h.addresses.cidr.String()},
		},
	}
	created, err := client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		created, err = client.CoreV1().Nodes().Get(ctx, h.name, metav1.GetOptions{})
	}
	if err != nil {
		return err
	}
	created.Status = h.status(created.Status)
	if _, err = client.CoreV1().Nodes().UpdateStatus(ctx, created, metav1.UpdateOptions{}); err != nil {
		return err
	}
	return h.touchLease(ctx, client)
}

func (h *host) status(s corev1.NodeStatus) corev1.NodeStatus {
	now := metav1.Now()
	condition := func(kind corev1.NodeConditionType, status corev1.ConditionStatus, reason string) corev1.NodeCondition {
		return corev1.NodeCondition{
			Type: kind, Status: status, Reason: reason, LastHeartbeatTime: now, LastTransitionTime: now,
		}
	}
	s.Conditions = []corev1.NodeCondition{
		condition(corev1.NodeMemoryPressure, corev1.ConditionFalse, "KubeletHasSufficientMemory"),
		condition(corev1.NodeDiskPressure, corev1.ConditionFalse, "KubeletHasNoDiskPressure"),
		condition(corev1.NodePIDPressure, corev1.ConditionFalse, "KubeletHasSufficientPID"),
		condition(corev1.NodeReady, corev1.ConditionTrue, "KubeletReady"),
	}
	s.Addresses = []corev1.NodeAddress{
		{Type: corev1.NodeInternalIP, Address: h.ip},
		{Type: corev1.NodeHostName, Address: h.name},
	}
	s.Capacity = corev1.ResourceList{
		corev1.ResourceCPU:              resource.MustParse("1000"),
		corev1.ResourceMemory:           resource.MustParse("4Ti"),
		corev1.ResourceEphemeralStorage: resource.MustParse("4Ti"),
		corev1.ResourcePods:             resource.MustParse("4000"),
	}
	s.Allocatable = s.Capacity
	s.NodeInfo.OperatingSystem, s.NodeInfo.Architecture = runtime.GOOS, runtime.GOARCH
	s.NodeInfo.KubeletVersion = version.Get().GitVersion
	s.NodeInfo.OSImage = "node stand-in"
	return s
}

// renewLease is the node's heartbeat.
func (h *host) renewLease(ctx context.Context, client kubernetes.Interface) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(leaseRenewal):
		}
		if err := h.touchLease(ctx, client); err != nil {
			klog.ErrorS(err, "Cannot renew the lease", "node", h.name)
		}
	}
}

func (h *host) touchLease(ctx context.Context, client kubernetes.Interface) error {
	leases := client.CoordinationV1().Leases(corev1.NamespaceNodeLease)
	lease, err := leases.Get(ctx, h.name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		lease = &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: h.name}}
	} else if err != nil {
		return err
	}
	lease.Spec.HolderIdentity = ptr.To(h.name)
	lease.Spec.LeaseDurationSeconds = ptr.To(int32(leaseDuration / time.Second))
	lease.Spec.RenewTime = &metav1.MicroTime{Time: time.Now()}
	if lease.ResourceVersion == "" {
		_, err = leases.Create(ctx, lease, metav1.CreateOptions{})
	} else {
		_, err = leases.Update(ctx, lease, metav1.UpdateOptions{})
	}
	return err
}
