// Package ready waits until a control plane can be used.
package ready

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"sluice.dev/control-plane/internal/metrics"
)

const interval = 50 * time.Millisecond

// Main is the sub-command. What is waited for is its argument: `api`, the API server, or
// `cluster`, everything that a pod needs in order to start.
func Main() int {
	flags := flag.NewFlagSet("wait", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "credentials for the API server")
	limit := flags.Duration("timeout", time.Minute, "how long to wait")
	_ = flags.Parse(os.Args[1:])

	checks := map[string]func(context.Context, kubernetes.Interface) error{"api": apiReady, "cluster": clusterReady}
	check, ok := checks[flags.Arg(0)]
	if !ok {
		fmt.Fprintln(os.Stderr, "usage: control-plane wait [flags] api|cluster")
		return 2
	}
	if err := wait(*kubeconfig, *limit, check); err != nil {
		fmt.Fprintf(os.Stderr, "not ready after %s: %v\n", *limit, err)
		return 1
	}
	return 0
}

func wait(kubeconfig string, limit time.Duration, check func(context.Context, kubernetes.Interface) error) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for {
		err := check(ctx, client)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(interval):
		}
	}
}

func apiReady(ctx context.Context, client kubernetes.Interface) error {
	return client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
}

// clusterReady asks for what makes a pod wait: its service account, which the controller manager
// creates, and a node without the taint that the controller manager takes away. Besides, the API
// of external metrics has to answer, or discovery would be incomplete.
func clusterReady(ctx context.Context, client kubernetes.Interface) error {
	_, err := client.CoreV1().ServiceAccounts(metav1.NamespaceDefault).Get(ctx, "default", metav1.GetOptions{})
	if err != nil {
		return err
	}
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	if len(nodes.Items) == 0 {
		return errors.New("there is no node yet")
	}
	for _, node := range nodes.Items {
		if !schedulable(&node) {
			return fmt.Errorf("node %s is tainted: %v", node.Name, node.Spec.Taints)
		}
	}
	return client.Discovery().RESTClient().Get().AbsPath(metrics.Root).Do(ctx).Error()
}

func schedulable(node *corev1.Node) bool {
	for _, taint := range node.Spec.Taints {
		if taint.Effect == corev1.TaintEffectNoSchedule {
			return false
		}
	}
	return true
}
