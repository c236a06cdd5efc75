package main

import (
	"encoding/json"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	v1 "k8s.io/kubernetes/pkg/apis/core/v1"
)

// defaultVector is a template and what the API server's defaulting of a PodTemplate makes of it.
type defaultVector struct {
	Name      string          `json:"name"`
	Input     json.RawMessage `json:"input"`
	Defaulted json.RawMessage `json:"defaulted"`
}

func defaultVectors() []defaultVector {
	var out []defaultVector
	add := func(name string, input []byte) {
		var object corev1.PodTemplate
		mustDecode(input, &object.Template)
		v1.SetObjectDefaults_PodTemplate(&object)
		out = append(out, defaultVector{name, input, mustJSON(object.Template)})
	}
	for _, full := range []bool{true, false} {
		eachField(full, func(name string, t *corev1.PodTemplateSpec) {
			encoded := mustJSON(t)
			add(name, encoded)
			if !full {
				add(name+", zeros left out", without(encoded, isZero))
			}
		})
	}
	for _, written := range handWritten {
		add(written.name, []byte(written.template))
	}
	for _, image := range defaultedImages {
		t := plain()
		t.Spec.Containers[0].Image = image
		t.Spec.Volumes = []corev1.Volume{{Name: "v", VolumeSource: corev1.VolumeSource{Image: &corev1.ImageVolumeSource{Reference: image}}}}
		add("image "+image, mustJSON(t))
	}
	for _, length := range []int{127, 128, 129} {
		t := plain()
		t.Spec.Containers[0].Image = "a:" + strings.Repeat("t", length)
		t.Spec.InitContainers = []corev1.Container{{Name: "i", Image: strings.Repeat("a/", 2*length-1) + "b"}}
		t.Spec.InitContainers = append(t.Spec.InitContainers, corev1.Container{Name: "j", Image: strings.Repeat("a", length+120)})
		add(fmt.Sprintf("lengths around %d", length), mustJSON(t))
	}
	for _, written := range defaultedByHand {
		add(written.name, []byte(written.template))
	}
	return out
}

// defaultedImages are the references whose tag decides the pull policy.
var defaultedImages = []string{
	"", "nginx", "nginx:latest", "nginx:1", "host:5000/nginx", "host:5000/nginx:latest", "host:5000/a/b:v1",
	"nginx@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	"nginx:latest@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	"nginx:1@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	"NGINX", "nginx:", ":", "a b", "nginx@", "nginx@sha256:short", "Host.example/nginx", "a//b", "nginx:la test", "-x", "a_b", "a__b", "a___b", "a--b", "a.b/c-d", "localhost/x", "docker.io/nginx", "docker.io/a/b", "index.docker.io/a", "library/nginx", "A/b", "a/B", "a.b/C", "-h.x/a", "h.x-/a", "h.x:5/a", "h.x:/a", "h.x:a/b", "h..x/a", "[::1/x", "[g]/x", "nginx:_a", "nginx:-a", "nginx:.a", "nginx@sha512:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "nginx@md5:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "nginx@sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "nginx@sha256:gaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "x/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "nginx/", "/nginx", "a:1/b", "a:b", "a:b/c:d", "é", "a/é", "_a", "a_", "a.", ".a", "a..b", "a-", "aaaa@aaaa@aaaa", "nginx:latest ",
	"[::1]:5000/nginx", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
}

var defaultedByHand = []struct{ name, template string }{
	{"host network leaves host ports alone", `{"spec":{"hostNetwork":true,"containers":[{"name":"c","ports":[{"containerPort":80}]}],"initContainers":[{"name":"i","ports":[{"containerPort":81,"protocol":"UDP"}]}]}}`},
	{"resources finer than a thousandth are rounded up", `{"spec":{"containers":[{"name":"c","image":"i","resources":{"limits":{"cpu":"0.0001","memory":"100n","x/y":"1.0005","x/z":"-0.0005","gi":"0.00000001Gi"},"requests":{"cpu":"1500u"}}}],"initContainers":[{"name":"i","resources":{"limits":{"cpu":"1u"}}}],"overhead":{"cpu":"1u"},"resources":{"limits":{"cpu":"1u"}}}}`},
	{"resources of claims are rounded up, sizes are not", `{"spec":{"containers":[],"volumes":[{"name":"v","ephemeral":{"volumeClaimTemplate":{"spec":{"resources":{"requests":{"storage":"1u"},"limits":{"storage":"1n"}}}}}},{"name":"w","emptyDir":{"sizeLimit":"1u"}}],"ephemeralContainers":[{"name":"e","resources":{"limits":{"cpu":"1u"}}}],"resources":{"requests":{"cpu":"1u"}}}}`},
	{"limits do not become requests in a template", `{"spec":{"containers":[{"name":"c","image":"i","resources":{"limits":{"cpu":"1"}}}]}}`},
	{"probes keep what is set", `{"spec":{"containers":[{"name":"c","livenessProbe":{"httpGet":{"path":"","port":1},"timeoutSeconds":5,"periodSeconds":6,"successThreshold":7,"failureThreshold":8},"readinessProbe":{"grpc":{"port":1}},"startupProbe":{"exec":{"command":["a"]}},"lifecycle":{"postStart":{"httpGet":{"port":1}},"preStop":{"sleep":{"seconds":0}}}}],"ephemeralContainers":[{"name":"e","image":"x:latest","ports":[{"containerPort":1}]}]}}`},
	{"volume without a source", `{"spec":{"containers":[],"volumes":[{"name":"v"}]}}`},
	{"volume with an unset source", `{"spec":{"containers":[],"volumes":[{"name":"v","secret":null}]}}`},
	{"projected sources", `{"spec":{"containers":[],"volumes":[{"name":"v","projected":{"sources":[{"serviceAccountToken":{"path":"t"}},{"downwardAPI":{"items":[{"path":"p","fieldRef":{"fieldPath":"metadata.name"}}]}},{"configMap":{"name":"c"}},{"secret":{}},{"clusterTrustBundle":{"path":"p"}}]}}]}}`},
	{"values that are already set stay", `{"spec":{"restartPolicy":"Never","dnsPolicy":"None","schedulerName":"mine","terminationGracePeriodSeconds":0,"securityContext":{"runAsUser":1},"containers":[{"name":"c","image":"i:latest","imagePullPolicy":"Never","terminationMessagePath":"/x","terminationMessagePolicy":"FallbackToLogsOnError","ports":[{"containerPort":1,"protocol":"SCTP"}]}]}}`},
	{"service account and its deprecated alias", `{"spec":{"serviceAccountName":"a","serviceAccount":"b","containers":[]}}`},
	{"topology spread", `{"spec":{"containers":[],"topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"z","whenUnsatisfiable":"DoNotSchedule","labelSelector":{}}]}}`},
}
