package node

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
)

// retryDelay is how long a write that failed waits for its next try.
const retryDelay = 200 * time.Millisecond

// podWorker is the kubelet of one pod: one goroutine that lives from the pod's binding until
// the pod is gone.
type podWorker struct {
	client  kubernetes.Interface
	host    *host
	updates chan *corev1.Pod // the latest pod, at most one
	ends    chan commandEnd
	stop    context.CancelFunc

	// The rest belongs to the goroutine.
	ctx         context.Context
	pod         *corev1.Pod
	ip          string
	containers  []*container
	behave      behaviour
	terminating time.Time // when the node saw the deletion
	deleted     bool      // the API server has been told that the pod is over
}

// commandEnd says that the command of a container has ended.
type commandEnd struct {
	container *container
	exit      exit
}

func newPodWorker(client kubernetes.Interface, host *host) *podWorker {
	return &podWorker{
		client:  client,
		host:    host,
		updates: make(chan *corev1.Pod, 1),
		ends:    make(chan commandEnd),
	}
}

// deliver hands over the latest pod; one that was not taken up yet is superseded. It has one
// caller at a time.
func (w *podWorker) deliver(pod *corev1.Pod) {
	select {
	case <-w.updates:
	default:
	}
	w.updates <- pod
}

func (w *podWorker) start(ctx context.Context) {
	w.ctx, w.stop = context.WithCancel(ctx)
	go w.run()
}

func (w *podWorker) run() {
	select {
	case w.pod = <-w.updates:
	case <-w.ctx.Done():
		return
	}
	if terminal(w.pod.Status.Phase) && w.pod.DeletionTimestamp == nil {
		return
	}
	ip, err := w.host.addresses.take()
	if err != nil {
		klog.ErrorS(err, "Cannot run pod", "pod", klog.KObj(w.pod))
		return
	}
	defer w.host.addresses.giveBack(ip)
	w.ip = ip.String()
	w.create(time.Now())
	defer w.halt()

	for {
		next := w.advance(time.Now())
		if err := w.report(time.Now()); err != nil {
			if w.ctx.Err() == nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) {
				klog.ErrorS(err, "Cannot report pod", "pod", klog.KObj(w.pod))
			}
			next = sooner(next, time.Now().Add(retryDelay))
		}
		if !w.wait(next) {
			return
		}
	}
}

// create prepares the containers; the first advance may start them.
func (w *podWorker) create(now time.Time) {
	behave, invalid := behaviourOf(w.pod)
	w.behave = behave
	for i := range w.pod.Spec.Containers {
		w.containers = append(w.containers, &container{
			spec:        &w.pod.Spec.Containers[i],
			behave:      behave,
			invalid:     invalid,
			policy:      w.pod.Spec.RestartPolicy,
			created:     now,
			runsCommand: runsCommands(w.pod),
			work:        &podWork{worker: w},
		})
	}
}

// advance brings the containers up to now and returns when something will happen next.
func (w *podWorker) advance(now time.Time) time.Time {
	if terminal(w.pod.Status.Phase) {
		w.haltAt(now)
	}
	if w.pod.DeletionTimestamp != nil {
		if w.terminating.IsZero() {
			w.terminating = now
		}
		end := w.terminating.Add(w.terminationDelay())
		if !now.Before(end) {
			w.haltAt(now)
			return time.Time{}
		}
		return sooner(w.advanceContainers(now), end)
	}
	return w.advanceContainers(now)
}

func (w *podWorker) advanceContainers(now time.Time) time.Time {
	var next time.Time
	for _, c := range w.containers {
		next = sooner(next, c.advance(now))
	}
	return next
}

// terminationDelay is how long the pod takes to end, within its grace period.
func (w *podWorker) terminationDelay() time.Duration {
	grace := time.Duration(corev1.DefaultTerminationGracePeriodSeconds) * time.Second
	if s := w.pod.DeletionGracePeriodSeconds; s != nil {
		grace = time.Duration(*s) * time.Second
	}
	return min(w.behave.terminationDelay, grace)
}

func (w *podWorker) halt() { w.haltAt(time.Now()) }

func (w *podWorker) haltAt(now time.Time) {
	for _, c := range w.containers {
		c.halt(now)
	}
}

// report writes the status if it has changed, and deletes a pod that has ended.
func (w *podWorker) report(now time.Time) error {
	if w.deleted {
		return nil
	}
	changed := w.pod.DeepCopy()
	changed.Status = podStatus(w.pod, w.containers, w.host.ip, w.ip, now)
	if patch, err := statusPatch(w.pod, changed); err != nil {
		return err
	} else if patch != nil {
		written, err := w.client.CoreV1().Pods(w.pod.Namespace).Patch(
			w.ctx, w.pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
		if err != nil {
			return err
		}
		w.observe(written)
	}
	if w.pod.DeletionTimestamp == nil || !terminal(w.pod.Status.Phase) {
		return nil
	}
	err := w.client.CoreV1().Pods(w.pod.Namespace).Delete(w.ctx, w.pod.Name, metav1.DeleteOptions{
		GracePeriodSeconds: new(int64),
		Preconditions:      metav1.NewUIDPreconditions(string(w.pod.UID)),
	})
	w.deleted = err == nil
	return err
}

// statusPatch is the patch that turns one status into the other, or nil. It carries the uid, so
// that it never lands on a namesake.
func statusPatch(from, to *corev1.Pod) ([]byte, error) {
	before, err := json.Marshal(&corev1.Pod{Status: from.Status})
	if err != nil {
		return nil, err
	}
	after, err := json.Marshal(&corev1.Pod{Status: to.Status})
	if err != nil {
		return nil, err
	}
	patch, err := strategicpatch.CreateTwoWayMergePatch(before, after, corev1.Pod{})
	if err != nil || string(patch) == "{}" {
		return nil, err
	}
	var fields map[string]any
	if err := json.Unmarshal(patch, &fields); err != nil {
		return nil, err
	}
	fields["metadata"] = map[string]any{"uid": from.UID}
	return json.Marshal(fields)
}

// wait blocks until there is something to do; false says that the pod is gone.
func (w *podWorker) wait(next time.Time) bool {
	var alarm <-chan time.Time
	if !next.IsZero() {
		timer := time.NewTimer(time.Until(next))
		defer timer.Stop()
		alarm = timer.C
	}
	select {
	case <-w.ctx.Done():
		return false
	case pod := <-w.updates:
		w.observe(pod)
	case end := <-w.ends:
		end.container.stop(time.Now(), end.exit)
	case <-alarm:
	}
	return true
}

// observe takes the newer of the pod at hand and another reading of it: watch events come later
// than the responses to the writes that caused them.
func (w *podWorker) observe(pod *corev1.Pod) {
	if revision(pod) >= revision(w.pod) {
		w.pod = pod
	}
}

func revision(pod *corev1.Pod) uint64 {
	v, err := strconv.ParseUint(pod.ResourceVersion, 10, 64)
	if err != nil {
		return 0
	}
	return v
}

// podWork does a running container's work.
type podWork struct {
	worker  *podWorker
	servers []*http.Server
	kill    context.CancelFunc
}

func (p *podWork) begin(c *container) {
	w := p.worker
	if !c.runsCommand {
		p.servers = serve(w.pod, c.spec, w.ip, w.behave)
		return
	}
	ctx, kill := context.WithCancel(w.ctx)
	p.kill = kill
	pod := w.pod
	go func() {
		e := w.behave.runCommand(ctx, pod, c.spec)
		if ctx.Err() != nil {
			return // The container was stopped from outside.
		}
		select {
		case w.ends <- commandEnd{container: c, exit: e}:
		case <-ctx.Done():
		}
	}()
}

func (p *podWork) end(*container) {
	// Like a process that is gone, without a farewell to open connections.
	for _, server := range p.servers {
		_ = server.Close()
	}
	p.servers = nil
	if p.kill != nil {
		p.kill()
	}
}
