package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/kubernetes/third_party/forked/golang/expansion"
)

const (
	// commandLimit bounds how long the command of a Job's container may take.
	commandLimit = 2 * time.Minute
	// outputLimit bounds how much of its output becomes the termination message.
	outputLimit = 2048
	// commandsAtOnce bounds how many commands run at the same time on all nodes together.
	commandsAtOnce = 16

	// exitCannotRun is what a shell answers for a command that cannot be run.
	exitCannotRun = 127
	// exitKilled is 128 + SIGKILL.
	exitKilled = 137
)

// exit is how a run of a container ended.
type exit struct {
	code   int32
	reason string // empty: by the code
	output string
}

var commandSlots = make(chan struct{}, commandsAtOnce)

// runsCommands tells whether the containers of a pod are real processes. Only a Job's are: the
// image of anything else is not there to be run.
func runsCommands(pod *corev1.Pod) bool {
	owner := metav1.GetControllerOf(pod)
	return owner != nil && owner.Kind == "Job" && pod.Spec.RestartPolicy != corev1.RestartPolicyAlways
}

// runCommand runs the command of a container, or does as if, and waits for its end.
func (b behaviour) runCommand(ctx context.Context, pod *corev1.Pod, spec *corev1.Container) exit {
	if b.exitCode == nil {
		return runCommand(ctx, pod, spec)
	}
	select {
	case <-time.After(b.runTime):
	case <-ctx.Done():
	}
	return exit{code: *b.exitCode}
}

// runCommand runs the command of a container and waits for its end. A container without a
// command succeeds at once: what its image would run is unknown.
func runCommand(ctx context.Context, pod *corev1.Pod, spec *corev1.Container) exit {
	if len(spec.Command) == 0 {
		return exit{}
	}
	select {
	case commandSlots <- struct{}{}:
		defer func() { <-commandSlots }()
	case <-ctx.Done():
		return exit{code: exitKilled}
	}
	ctx, cancel := context.WithTimeout(ctx, commandLimit)
	defer cancel()

	dir, err := os.MkdirTemp("", "container-")
	if err != nil {
		return exit{code: exitCannotRun, reason: "ContainerCannotRun", output: err.Error()}
	}
	defer os.RemoveAll(dir)

	env, expand := environment(pod, spec)
	var args []string
	for _, arg := range append(append([]string{}, spec.Command...), spec.Args...) {
		args = append(args, expansion.Expand(arg, expand))
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir, cmd.Env = dir, env
	// The command is killed with everything that it has started.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second

	output, err := cmd.CombinedOutput()
	return exitOf(ctx, err, output)
}

func exitOf(ctx context.Context, err error, output []byte) exit {
	if len(output) > outputLimit {
		output = output[len(output)-outputLimit:]
	}
	e := exit{output: strings.ToValidUTF8(string(output), "?")}
	var failed *exec.ExitError
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		e.code, e.output = exitKilled, fmt.Sprintf("killed after %s\n%s", commandLimit, e.output)
	case errors.As(err, &failed) && failed.ExitCode() >= 0:
		e.code = int32(failed.ExitCode())
	case errors.As(err, &failed):
		e.code = 128 + int32(failed.Sys().(syscall.WaitStatus).Signal())
	case err != nil:
		e.code, e.reason, e.output = exitCannotRun, "ContainerCannotRun", err.Error()
	}
	return e
}

// environment is the process's environment and the expansion of $(NAME) in its arguments. Of
// the sources only literal values and the names of the pod and its surroundings are known.
func environment(pod *corev1.Pod, spec *corev1.Container) ([]string, func(string) string) {
	values := map[string]string{}
	env := []string{"PATH=" + os.Getenv("PATH"), "HOSTNAME=" + pod.Name}
	expand := expansion.MappingFuncFor(values)
	for _, e := range spec.Env {
		value := expansion.Expand(e.Value, expand)
		if e.ValueFrom != nil && e.ValueFrom.FieldRef != nil {
			value = fieldOf(pod, e.ValueFrom.FieldRef.FieldPath)
		}
		values[e.Name] = value
		env = append(env, e.Name+"="+value)
	}
	return env, expand
}

func fieldOf(pod *corev1.Pod, path string) string {
	switch path {
	case "metadata.name":
		return pod.Name
	case "metadata.namespace":
		return pod.Namespace
	case "metadata.uid":
		return string(pod.UID)
	case "spec.nodeName":
		return pod.Spec.NodeName
	}
	return ""
}
