package node

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"k8s.io/kubernetes/pkg/util/parsers"
)

// pullTime is how long a pull that fails shows ErrImagePull before ImagePullBackOff.
const pullTime = 500 * time.Millisecond

// fault is what keeps a container from being created: a reason and a message in the kubelet's
// words.
type fault struct {
	reason, message string
}

// imageFault tells what is wrong with an image after it has been pulled for some time, or nil.
// Nothing is ever pulled: an image is missing when its name says `does-not-exist`.
func imageFault(image string, pullFails bool, pulling time.Duration) *fault {
	if _, _, _, err := parsers.ParseImageName(image); err != nil {
		return &fault{
			reason:  "InvalidImageName",
			message: fmt.Sprintf("Failed to apply default image tag %q: %v", image, err),
		}
	}
	if !pullFails && !strings.Contains(image, "does-not-exist") {
		return nil
	}
	if pulling < pullTime {
		return &fault{
			reason:  "ErrImagePull",
			message: fmt.Sprintf("failed to pull and unpack image %q: not found", image),
		}
	}
	return &fault{
		reason:  "ImagePullBackOff",
		message: fmt.Sprintf("Back-off pulling image %q", image),
	}
}

// imageID invents the digest of an image: always the same one for the same name.
func imageID(image string) string {
	name, _, _, err := parsers.ParseImageName(image)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%s@sha256:%x", name, sha256.Sum256([]byte(image)))
}
