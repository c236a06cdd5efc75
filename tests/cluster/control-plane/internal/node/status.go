package node

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// podStatus is the status that a kubelet would report for the pod now. It starts from the
// status that is there, so that conditions of other writers stay and a condition that does not
// change keeps the time of its last transition.
func podStatus(pod *corev1.Pod, containers []*container, hostIP, podIP string, now time.Time) corev1.PodStatus {
	s := *pod.Status.DeepCopy()
	s.ObservedGeneration = pod.Generation
	s.HostIP, s.HostIPs = hostIP, []corev1.HostIP{{IP: hostIP}}
	if s.StartTime == nil {
		s.StartTime = &metav1.Time{Time: now}
	}
	if !terminal(s.Phase) {
		s.Phase = phase(containers)
	}

	var sandboxed, begun bool // the pod has its address; its init containers are over
	for _, c := range containers {
		begun = begun || !c.started.IsZero()
		sandboxed = sandboxed || begun || c.fault != nil
	}
	if sandboxed {
		s.PodIP, s.PodIPs = podIP, []corev1.PodIP{{IP: podIP}}
	}
	s.InitContainerStatuses = nil
	for i := range pod.Spec.InitContainers {
		s.InitContainerStatuses = append(s.InitContainerStatuses, initStatus(pod, &pod.Spec.InitContainers[i], begun, now))
	}
	s.ContainerStatuses = nil
	var unready []string
	for _, c := range containers {
		s.ContainerStatuses = append(s.ContainerStatuses, c.status(pod, now))
		if !c.ready(now) {
			unready = append(unready, c.spec.Name)
		}
	}

	set := func(kind corev1.PodConditionType, ok bool, reason, message string) {
		setCondition(&s, pod.Generation, kind, ok, reason, message, now)
	}
	set(corev1.PodReadyToStartContainers, sandboxed && !terminal(s.Phase), "", "")
	if begun || len(pod.Spec.InitContainers) == 0 {
		set(corev1.PodInitialized, true, "", "")
	} else {
		set(corev1.PodInitialized, false, "ContainersNotInitialized", "")
	}
	reason, message := "", ""
	switch {
	case s.Phase == corev1.PodSucceeded:
		reason = "PodCompleted"
	case s.Phase == corev1.PodFailed:
		reason = "PodFailed"
	case len(unready) > 0:
		reason = "ContainersNotReady"
		message = fmt.Sprintf("containers with unready status: [%s]", strings.Join(unready, " "))
	}
	set(corev1.ContainersReady, reason == "", reason, message)
	if reason == "" {
		if message = closedGates(pod); message != "" {
			reason = "ReadinessGatesNotReady"
		}
	}
	set(corev1.PodReady, reason == "", reason, message)
	return s
}

func terminal(p corev1.PodPhase) bool {
	return p == corev1.PodSucceeded || p == corev1.PodFailed
}

// phase sums up the containers.
func phase(containers []*container) corev1.PodPhase {
	var waiting, over, failed int
	for _, c := range containers {
		switch {
		case c.started.IsZero() && c.halted:
			over++
			failed++
		case c.started.IsZero():
			waiting++
		case !c.running() && !c.restartable():
			over++
			if c.exit.code != 0 {
				failed++
			}
		}
	}
	switch {
	case over == len(containers) && failed > 0:
		return corev1.PodFailed
	case over == len(containers):
		return corev1.PodSucceeded
	case waiting > 0:
		return corev1.PodPending
	}
	return corev1.PodRunning
}

// closedGates names the readiness gates that hold the pod back.
func closedGates(pod *corev1.Pod) string {
	var messages []string
	for _, gate := range pod.Spec.ReadinessGates {
		c := findCondition(&pod.Status, gate.ConditionType)
		if c == nil {
			messages = append(messages, fmt.Sprintf("corresponding condition of pod readiness gate %q does not exist.", gate.ConditionType))
		} else if c.Status != corev1.ConditionTrue {
			messages = append(messages, fmt.Sprintf("the status of pod readiness gate %q is not \"True\", but %v", gate.ConditionType, c.Status))
		}
	}
	return strings.Join(messages, ", ")
}

func findCondition(s *corev1.PodStatus, kind corev1.PodConditionType) *corev1.PodCondition {
	for i := range s.Conditions {
		if s.Conditions[i].Type == kind {
			return &s.Conditions[i]
		}
	}
	return nil
}

// setCondition sets a condition. Its transition time moves only with its status: availability
// counts from there.
func setCondition(s *corev1.PodStatus, generation int64, kind corev1.PodConditionType, ok bool, reason, message string, now time.Time) {
	c := findCondition(s, kind)
	if c == nil {
		s.Conditions = append(s.Conditions, corev1.PodCondition{Type: kind})
		c = &s.Conditions[len(s.Conditions)-1]
	}
	status := corev1.ConditionFalse
	if ok {
		status = corev1.ConditionTrue
	}
	if c.Status != status {
		c.Status, c.LastTransitionTime = status, metav1.NewTime(now)
	}
	c.Reason, c.Message, c.ObservedGeneration = reason, message, generation
}

func (c *container) status(pod *corev1.Pod, now time.Time) corev1.ContainerStatus {
	s := corev1.ContainerStatus{
		Name:         c.spec.Name,
		Image:        c.spec.Image,
		Ready:        c.ready(now),
		RestartCount: c.restarts,
		Started:      ptr.To(c.running()),
	}
	if !c.started.IsZero() {
		s.ImageID = imageID(c.spec.Image)
		s.ContainerID = containerID(pod, c.spec.Name, c.restarts)
	}
	if c.previous != nil {
		s.LastTerminationState.Terminated = c.previous
	}
	switch {
	case c.running():
		s.State.Running = &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(c.started)}
	case c.started.IsZero() && c.halted:
		s.State.Terminated = &corev1.ContainerStateTerminated{
			ExitCode: exitKilled,
			Reason:   "ContainerStatusUnknown",
			Message:  "The container could not be located when the pod was terminated",
		}
	case c.started.IsZero() && c.fault != nil:
		s.State.Waiting = &corev1.ContainerStateWaiting{Reason: c.fault.reason, Message: c.fault.message}
	case c.started.IsZero():
		s.State.Waiting = &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}
	case c.restartable():
		s.LastTerminationState.Terminated = c.terminated()
		s.State.Waiting = &corev1.ContainerStateWaiting{
			Reason:  "CrashLoopBackOff",
			Message: fmt.Sprintf("back-off %s restarting failed container=%s pod=%s_%s(%s)", c.backOff(), c.spec.Name, pod.Name, pod.Namespace, pod.UID),
		}
	default:
		s.State.Terminated = c.terminated()
	}
	if t := s.State.Terminated; t != nil {
		t.ContainerID = s.ContainerID
	}
	return s
}

// terminated describes the end of the run that has stopped.
func (c *container) terminated() *corev1.ContainerStateTerminated {
	reason := "Completed"
	if c.exit.code != 0 {
		reason = "Error"
	}
	if c.exit.reason != "" {
		reason = c.exit.reason
	}
	return &corev1.ContainerStateTerminated{
		ExitCode:   c.exit.code,
		Reason:     reason,
		Message:    c.exit.output,
		StartedAt:  metav1.NewTime(c.started),
		FinishedAt: metav1.NewTime(c.stopped),
	}
}

// initStatus shows an init container as over and done, or as running if it is a sidecar.
func initStatus(pod *corev1.Pod, spec *corev1.Container, begun bool, now time.Time) corev1.ContainerStatus {
	s := corev1.ContainerStatus{Name: spec.Name, Image: spec.Image, Started: ptr.To(false)}
	if !begun {
		s.State.Waiting = &corev1.ContainerStateWaiting{Reason: "PodInitializing"}
		return s
	}
	s.Ready, s.ImageID, s.ContainerID = true, imageID(spec.Image), containerID(pod, spec.Name, 0)
	at := metav1.NewTime(now)
	if pod.Status.StartTime != nil {
		at = *pod.Status.StartTime
	}
	if spec.RestartPolicy != nil && *spec.RestartPolicy == corev1.ContainerRestartPolicyAlways {
		s.Started = ptr.To(true)
		s.State.Running = &corev1.ContainerStateRunning{StartedAt: at}
		return s
	}
	s.State.Terminated = &corev1.ContainerStateTerminated{
		Reason: "Completed", StartedAt: at, FinishedAt: at, ContainerID: s.ContainerID,
	}
	return s
}

func containerID(pod *corev1.Pod, name string, restarts int32) string {
	return fmt.Sprintf("process://%x", sha256.Sum256([]byte(fmt.Sprintf("%s/%s/%d", pod.UID, name, restarts))))
}
