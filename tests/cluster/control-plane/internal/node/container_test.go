package node

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// idle is work that only counts how often it began and ended.
type idle struct{ begun, ended int }

func (i *idle) begin(*container) { i.begun++ }
func (i *idle) end(*container)   { i.ended++ }

var epoch = time.Unix(1_000_000, 0)

func newContainer(b behaviour, policy corev1.RestartPolicy) (*container, *idle) {
	work := &idle{}
	return &container{
		spec:    &corev1.Container{Name: "main", Image: "example/app:1"},
		behave:  b,
		policy:  policy,
		created: epoch,
		work:    work,
	}, work
}

func after(d time.Duration) time.Time { return epoch.Add(d) }

func TestContainerStartsAfterItsDelayAndIsReadyAfterTheNext(t *testing.T) {
	ready := 2 * time.Second
	c, _ := newContainer(behaviour{startDelay: time.Second, readyDelay: &ready}, corev1.RestartPolicyAlways)
	if next := c.advance(epoch); c.running() || next != after(time.Second) {
		t.Fatalf("at once: running %v, next %v", c.running(), next)
	}
	if next := c.advance(after(time.Second)); !c.running() || c.ready(after(time.Second)) || next != after(3*time.Second) {
		t.Fatalf("after a second: running %v, next %v", c.running(), next)
	}
	if next := c.advance(after(3 * time.Second)); !c.ready(after(3*time.Second)) || !next.IsZero() {
		t.Fatalf("after three seconds: not ready, or next %v", next)
	}
}

func TestCrashingContainerIsRestartedWithBackOff(t *testing.T) {
	c, work := newContainer(behaviour{crashAfter: new(time.Duration)}, corev1.RestartPolicyAlways)
	now := epoch
	for i, want := range []time.Duration{1, 2, 4, 8, 10, 10} {
		next := c.advance(now)
		if got := next.Sub(now); got != want*time.Second {
			t.Fatalf("back-off %d is %v", i, got)
		}
		if c.running() || c.restarts != int32(i) || !c.restartable() {
			t.Fatalf("crash %d: running %v, %d restarts", i, c.running(), c.restarts)
		}
		now = next
	}
	if work.begun != work.ended {
		t.Fatalf("begun %d times, ended %d times", work.begun, work.ended)
	}
}

func TestRestartPolicyDecidesWhetherAnEndIsFinal(t *testing.T) {
	for _, test := range []struct {
		policy corev1.RestartPolicy
		code   int32
		again  bool
	}{
		{corev1.RestartPolicyAlways, 0, true},
		{corev1.RestartPolicyOnFailure, 0, false},
		{corev1.RestartPolicyOnFailure, 3, true},
		{corev1.RestartPolicyNever, 3, false},
	} {
		c, _ := newContainer(behaviour{}, test.policy)
		c.advance(epoch)
		c.stop(epoch, exit{code: test.code})
		if c.restartable() != test.again {
			t.Errorf("%s with exit code %d: restartable is %v", test.policy, test.code, !test.again)
		}
	}
}

func TestHaltedContainerNeverStarts(t *testing.T) {
	c, work := newContainer(behaviour{}, corev1.RestartPolicyAlways)
	c.halt(epoch)
	if next := c.advance(after(time.Hour)); c.running() || !next.IsZero() || work.begun != 0 {
		t.Fatal("a halted container has started")
	}
	if got := phase([]*container{c}); got != corev1.PodFailed {
		t.Fatalf("the phase is %s", got)
	}
}

func TestCommandThatIsStoppedWasKilled(t *testing.T) {
	for _, test := range []struct {
		runsCommand bool
		code        int32
	}{{false, 0}, {true, 137}} {
		c, _ := newContainer(behaviour{}, corev1.RestartPolicyNever)
		c.runsCommand = test.runsCommand
		c.advance(epoch)
		c.halt(after(time.Second))
		if c.exit.code != test.code {
			t.Errorf("runs a command: %v; the exit code is %d", test.runsCommand, c.exit.code)
		}
	}
}

func TestMissingImageBacksOff(t *testing.T) {
	c, _ := newContainer(behaviour{pullFails: true}, corev1.RestartPolicyAlways)
	next := c.advance(epoch)
	if c.fault == nil || c.fault.reason != "ErrImagePull" {
		t.Fatalf("at first: %v", c.fault)
	}
	if next = c.advance(next); c.fault.reason != "ImagePullBackOff" || !next.IsZero() {
		t.Fatalf("later: %v, next %v", c.fault, next)
	}
}
