package node

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// The annotations by which a pod says how it wants to behave. A test sets them in the pod
// template; README.md describes them.
const (
	annotationStartDelay       = "node.sluice.dev/start-delay"
	annotationReady            = "node.sluice.dev/ready"
	annotationCrash            = "node.sluice.dev/crash"
	annotationTerminationDelay = "node.sluice.dev/termination-delay"
	annotationImagePull        = "node.sluice.dev/image-pull"
	annotationHTTPStatus       = "node.sluice.dev/http-status"
	annotationErrorRate        = "node.sluice.dev/error-rate"
	annotationExitCode         = "node.sluice.dev/exit-code"
	annotationRunTime          = "node.sluice.dev/run-time"

	defaultStartDelay       = 50 * time.Millisecond
	defaultTerminationDelay = 50 * time.Millisecond
)

// behaviour is what the annotations of one pod ask for.
type behaviour struct {
	startDelay       time.Duration
	terminationDelay time.Duration
	neverReady       bool
	readyDelay       *time.Duration // nil: as the readiness probe says
	crashAfter       *time.Duration // nil: never
	pullFails        bool
	httpStatus       int
	errorRate        int    // of 100 answers
	exitCode         *int32 // of a Job's containers; nil: as their commands say
	runTime          time.Duration
}

// behaviourOf reads the annotations of a pod. A value that cannot be understood is an error,
// so that a typo in a test does not pass for the default.
func behaviourOf(pod *corev1.Pod) (behaviour, error) {
	b := behaviour{
		startDelay:       defaultStartDelay,
		terminationDelay: defaultTerminationDelay,
		httpStatus:       http.StatusOK,
	}
	for name, value := range pod.Annotations {
		var err error
		switch name {
		case annotationStartDelay:
			b.startDelay, err = parseDelay(value)
		case annotationTerminationDelay:
			b.terminationDelay, err = parseDelay(value)
		case annotationReady:
			if b.neverReady = value == "never"; !b.neverReady {
				b.readyDelay, err = parseOptionalDelay(value)
			}
		case annotationCrash:
			switch value {
			case "true":
				b.crashAfter = new(time.Duration)
			case "false":
			default:
				b.crashAfter, err = parseOptionalDelay(value)
			}
		case annotationImagePull:
			if b.pullFails = value == "fail"; !b.pullFails {
				err = fmt.Errorf(`want "fail"`)
			}
		case annotationHTTPStatus:
			b.httpStatus, err = strconv.Atoi(value)
			if err == nil && (b.httpStatus < 200 || b.httpStatus > 599) {
				err = fmt.Errorf("want a status from 200 to 599")
			}
		case annotationErrorRate:
			b.errorRate, err = strconv.Atoi(value)
			if err == nil && (b.errorRate < 0 || b.errorRate > 100) {
				err = fmt.Errorf("want a percentage from 0 to 100")
			}
		case annotationExitCode:
			var code uint64
			if code, err = strconv.ParseUint(value, 10, 8); err != nil {
				err = fmt.Errorf("want an exit code from 0 to 255")
			}
			b.exitCode = ptr.To(int32(code))
		case annotationRunTime:
			b.runTime, err = parseDelay(value)
		}
		if err != nil {
			return b, fmt.Errorf("annotation %s=%q: %w", name, value, err)
		}
	}
	return b, nil
}

func parseDelay(value string) (time.Duration, error) {
	d, err := time.ParseDuration(value)
	if err == nil && d < 0 {
		err = fmt.Errorf("want a duration of zero or more")
	}
	return d, err
}

func parseOptionalDelay(value string) (*time.Duration, error) {
	d, err := parseDelay(value)
	return &d, err
}
