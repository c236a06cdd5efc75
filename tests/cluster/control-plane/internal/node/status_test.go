package node

import (
	"net/netip"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

func TestTransitionTimesMoveOnlyWithTheirConditions(t *testing.T) {
	ready := time.Second
	c, _ := newContainer(behaviour{readyDelay: &ready}, corev1.RestartPolicyAlways)
	pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{*c.spec}}}
	for _, step := range []struct {
		at, since time.Duration
		status    corev1.ConditionStatus
	}{
		{0, 0, corev1.ConditionFalse},
		{500 * time.Millisecond, 0, corev1.ConditionFalse},
		{time.Second, time.Second, corev1.ConditionTrue},
		{time.Minute, time.Second, corev1.ConditionTrue},
	} {
		c.advance(after(step.at))
		pod.Status = podStatus(pod, []*container{c}, "10.200.0.11", "10.200.16.1", after(step.at))
		got := findCondition(&pod.Status, corev1.PodReady)
		if got.Status != step.status || !got.LastTransitionTime.Time.Equal(after(step.since)) {
			t.Errorf("after %v: %s since %v", step.at, got.Status, got.LastTransitionTime.Sub(epoch))
		}
	}
}

func TestUnchangedStatusNeedsNoPatch(t *testing.T) {
	c, _ := newContainer(behaviour{}, corev1.RestartPolicyAlways)
	c.advance(epoch)
	pod := &corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{*c.spec}}}
	pod.Status = podStatus(pod, []*container{c}, "10.200.0.11", "10.200.16.1", epoch)
	again := pod.DeepCopy()
	again.Status = podStatus(pod, []*container{c}, "10.200.0.11", "10.200.16.1", after(time.Hour))
	if patch, err := statusPatch(pod, again); err != nil || patch != nil {
		t.Fatalf("patch %s, error %v", patch, err)
	}
}

func TestAnnotationsThatMakeNoSenseAreErrors(t *testing.T) {
	for name, value := range map[string]string{
		annotationStartDelay: "soon",
		annotationReady:      "-1s",
		annotationCrash:      "yes",
		annotationImagePull:  "slow",
		annotationHTTPStatus: "42",
	} {
		pod := &corev1.Pod{}
		pod.Annotations = map[string]string{name: value}
		if _, err := behaviourOf(pod); err == nil {
			t.Errorf("%s=%q is accepted", name, value)
		}
	}
}

func TestAddressesRestBeforeTheyAreUsedAgain(t *testing.T) {
	a := newAddresses(netip.MustParsePrefix("10.200.16.0/30"))
	var got []string
	for range 4 {
		ip, err := a.take()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, ip.String())
		a.giveBack(ip)
	}
	want := []string{"10.200.16.1", "10.200.16.2", "10.200.16.3", "10.200.16.1"}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("have %v, want %v", got, want)
		}
	}
}
