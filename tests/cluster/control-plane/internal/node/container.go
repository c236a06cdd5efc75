package node

import (
	"time"

	corev1 "k8s.io/api/core/v1"
)

const (
	firstBackOff = time.Second
	maxBackOff   = 10 * time.Second

	// exitCrashed is the exit code of a container that its annotation makes crash.
	exitCrashed = 1
)

// container is the life of one container: waiting, running, stopped, and perhaps running again.
// It knows no clock: whoever drives it says what time it is.
type container struct {
	spec     *corev1.Container
	behave   behaviour
	policy   corev1.RestartPolicy
	created  time.Time // when the node saw the pod
	fault    *fault    // why it cannot be created
	invalid  error     // annotations that could not be read
	started  time.Time // of this run; zero before the first
	stopped  time.Time // of this run; zero while it runs
	exit     exit      // of this run, once stopped
	previous *corev1.ContainerStateTerminated
	restarts int32
	halted   bool // the pod is ending: nothing starts any more

	runsCommand bool // a Job's container: it ends when its process does
	work        work // what a running container really does
}

// work is what a container does besides looking alive: serve, or run a command.
type work interface {
	begin(c *container)
	end(c *container)
}

func (c *container) running() bool { return !c.started.IsZero() && c.stopped.IsZero() }

// ready tells whether the readiness probe, had there been one, would pass.
func (c *container) ready(now time.Time) bool {
	return c.running() && !c.behave.neverReady && !now.Before(c.readyAt())
}

func (c *container) readyAt() time.Time {
	switch {
	case c.behave.readyDelay != nil:
		return c.started.Add(*c.behave.readyDelay)
	case c.spec.ReadinessProbe != nil:
		return c.started.Add(time.Duration(c.spec.ReadinessProbe.InitialDelaySeconds) * time.Second)
	}
	return c.started
}

// advance brings the life up to now and returns when it will change next by itself; zero if never.
func (c *container) advance(now time.Time) time.Time {
	if c.halted {
		return time.Time{}
	}
	if c.started.IsZero() {
		if next := c.advanceWaiting(now); !next.IsZero() || c.started.IsZero() {
			return next
		}
	}
	if c.running() {
		if next := c.advanceRunning(now); c.running() {
			return next
		}
	}
	if !c.restartable() {
		return time.Time{}
	}
	again := c.stopped.Add(c.backOff())
	if now.Before(again) {
		return again
	}
	c.previous = c.terminated()
	c.restarts++
	c.start(now)
	return c.advanceRunning(now)
}

func (c *container) advanceWaiting(now time.Time) time.Time {
	begin := c.created.Add(c.behave.startDelay)
	if now.Before(begin) {
		return begin
	}
	if c.invalid != nil {
		c.fault = &fault{reason: "CreateContainerConfigError", message: c.invalid.Error()}
		return time.Time{}
	}
	if c.fault = imageFault(c.spec.Image, c.behave.pullFails, now.Sub(begin)); c.fault != nil {
		if backOff := begin.Add(pullTime); now.Before(backOff) {
			return backOff
		}
		return time.Time{}
	}
	c.start(now)
	return time.Time{}
}

func (c *container) advanceRunning(now time.Time) time.Time {
	var next time.Time
	if c.behave.crashAfter != nil {
		next = c.started.Add(*c.behave.crashAfter)
		if !now.Before(next) {
			c.stop(now, exit{code: exitCrashed})
			return c.stopped.Add(c.backOff())
		}
	}
	if ready := c.readyAt(); !c.behave.neverReady && now.Before(ready) {
		next = sooner(next, ready)
	}
	return next
}

func (c *container) start(now time.Time) {
	c.started, c.stopped, c.exit = now, time.Time{}, exit{}
	c.work.begin(c)
}

// stop ends this run.
func (c *container) stop(now time.Time, e exit) {
	if !c.running() {
		return
	}
	c.stopped, c.exit = now, e
	c.work.end(c)
}

// halt ends the container for good. A command that runs is killed; anything else ends with exit
// code 0.
func (c *container) halt(now time.Time) {
	c.halted = true
	var e exit
	if c.runsCommand {
		e.code = exitKilled
	}
	c.stop(now, e)
}

// restartable tells whether a stopped container will be started again.
func (c *container) restartable() bool {
	if c.halted || c.stopped.IsZero() {
		return false
	}
	switch c.policy {
	case corev1.RestartPolicyNever:
		return false
	case corev1.RestartPolicyOnFailure:
		return c.exit.code != 0
	default:
		return true
	}
}

func (c *container) backOff() time.Duration {
	d := firstBackOff
	for i := int32(0); i < c.restarts && d < maxBackOff; i++ {
		d *= 2
	}
	return min(d, maxBackOff)
}

// sooner is the earlier of two times, where zero stands for never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}
