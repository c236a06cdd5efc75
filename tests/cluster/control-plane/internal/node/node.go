// Package node is a stand-in for the nodes of a cluster. It registers nodes, and for the pods
// that the scheduler binds to them it reports what a kubelet would: containers that start,
// become ready, crash and end as the pod's annotations say. The containers are not there, but
// their ports are: every pod has an address of its own and answers HTTP on it.
package node

import (
	"context"
	"flag"
	"fmt"
	"os"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
)

// Main is the sub-command. It ends only with an error.
func Main() int {
	flags := flag.NewFlagSet("node", flag.ExitOnError)
	kubeconfig := flags.String("kubeconfig", "", "credentials for the API server")
	count := flags.Int("nodes", 3, "how many nodes there are")
	_ = flags.Parse(os.Args[1:])

	if err := run(context.Background(), *kubeconfig, *count); err != nil {
		klog.ErrorS(err, "The node stand-in has stopped")
		return 1
	}
	return 0
}

func run(ctx context.Context, kubeconfig string, count int) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config.UserAgent = "node-stand-in"
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	hosts, err := newHosts(count)
	if err != nil {
		return err
	}
	for _, host := range hosts {
		if err := host.register(ctx, client); err != nil {
			return fmt.Errorf("registering node %s: %w", host.name, err)
		}
		go host.renewLease(ctx, client)
	}
	return runPods(ctx, client, hosts)
}

// runPods gives every pod on the hosts a worker for as long as the pod exists.
func runPods(ctx context.Context, client kubernetes.Interface, hosts map[string]*host) error {
	bound := informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.FieldSelector = "spec.nodeName!=" })
	informer := informers.NewSharedInformerFactoryWithOptions(client, 0, bound).Core().V1().Pods().Informer()

	workers := map[types.UID]*podWorker{}
	seen := func(obj any) {
		pod, ok := obj.(*corev1.Pod)
		if !ok || hosts[pod.Spec.NodeName] == nil {
			return
		}
		worker := workers[pod.UID]
		if worker == nil {
			worker = newPodWorker(client, hosts[pod.Spec.NodeName])
			workers[pod.UID] = worker
			worker.deliver(pod)
			worker.start(ctx)
			return
		}
		worker.deliver(pod)
	}
	gone := func(obj any) {
		if last, ok := obj.(cache.DeletedFinalStateUnknown); ok {
			obj = last.Obj
		}
		pod, ok := obj.(*corev1.Pod)
		if !ok || workers[pod.UID] == nil {
			return
		}
		workers[pod.UID].stop()
		delete(workers, pod.UID)
	}
	// The handlers are called one at a time, so the map needs no lock.
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: seen,
		UpdateFunc: func(old, new any) {
			// A watch that was cut may show a deletion and a new namesake as one update.
			if o, n := old.(*corev1.Pod), new.(*corev1.Pod); o.UID != n.UID {
				gone(o)
			}
			seen(new)
		},
		DeleteFunc: gone,
	})
	if err != nil {
		return err
	}
	informer.Run(ctx.Done())
	return ctx.Err()
}
