package main

import (
	"encoding/json"
	"hash/fnv"
	"reflect"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/rand"
)

// fieldVector is a template as written by a user, what Go makes of it, and its hash.
type fieldVector struct {
	Name  string          `json:"name"`
	Input json.RawMessage `json:"input"`
	JSON  string          `json:"json"`
	Hash  string          `json:"hash"`
}

// templateHash is the arithmetic of `rollouts-pod-template-hash` without a collision count.
func templateHash(encoded []byte) string {
	sum := fnv.New32a()
	sum.Write(encoded)
	return rand.SafeEncodeString(strconv.FormatUint(uint64(sum.Sum32()), 10))
}

// plain is the smallest template that Kubernetes accepts.
func plain() *corev1.PodTemplateSpec {
	t := &corev1.PodTemplateSpec{}
	t.Labels = map[string]string{"app": "a"}
	t.Spec.Containers = []corev1.Container{{Name: "c", Image: "nginx:1.19"}}
	return t
}

// eachField visits, for every field of PodSpec, Container, EphemeralContainer and Volume, a template with it filled.
func eachField(full bool, visit func(name string, t *corev1.PodTemplateSpec)) {
	mode := map[bool]string{true: "full", false: "hollow"}[full]
	spec := reflect.TypeFor[corev1.PodSpec]()
	for i := range spec.NumField() {
		t := plain()
		fill(reflect.ValueOf(&t.Spec).Elem().Field(i), spec.Field(i).Name, full)
		visit("PodSpec."+spec.Field(i).Name+" "+mode, t)
	}
	container := reflect.TypeFor[corev1.Container]()
	for i := range container.NumField() {
		t := plain()
		fill(reflect.ValueOf(&t.Spec.Containers[0]).Elem().Field(i), container.Field(i).Name, full)
		visit("Container."+container.Field(i).Name+" "+mode, t)
	}
	sources := reflect.TypeFor[corev1.VolumeSource]()
	for i := range sources.NumField() {
		t := plain()
		t.Spec.Volumes = []corev1.Volume{{Name: "v"}}
		fill(reflect.ValueOf(&t.Spec.Volumes[0].VolumeSource).Elem().Field(i), sources.Field(i).Name, full)
		visit("Volume."+sources.Field(i).Name+" "+mode, t)
	}
}

func fieldVectors() []fieldVector {
	var out []fieldVector
	add := func(name string, input []byte) {
		var typed corev1.PodTemplateSpec
		mustDecode(input, &typed)
		encoded := mustJSON(typed)
		out = append(out, fieldVector{name, input, string(encoded), templateHash(encoded)})
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
	return out
}

// handWritten are inputs as people write them, where encoding/json has something to normalise.
var handWritten = []struct{ name, template string }{
	{"no spec", `{}`},
	{"null everywhere", `{"metadata":null,"spec":{"containers":null,"volumes":null,"affinity":null,"hostNetwork":null}}`},
	{"null list elements", `{"spec":{"containers":[null,{"name":"c","command":["a",null],"env":[null]}]}}`},
	{"null map values", `{"metadata":{"labels":{"a":null}},"spec":{"nodeSelector":{"b":null},"containers":[{"name":"c","resources":{"limits":{"cpu":null}}}]}}`},
	{"explicit zeros", `{"spec":{"hostNetwork":false,"nodeName":"","nodeSelector":{},"tolerations":[],"containers":[{"name":"","tty":false,"args":[],"resources":{"limits":{},"requests":null}}]}}`},
	{"quantities as numbers", `{"spec":{"containers":[{"name":"c","resources":{"limits":{"cpu":1,"memory":1073741824,"x/y":0.5,"x/z":1e-7}}}]}}`},
	{"quantities to canonicalise", `{"spec":{"containers":[{"name":"c","resources":{"limits":{"cpu":"1000m","memory":"1024Mi","ephemeral-storage":"0.5Gi"},"requests":{"cpu":"0.1","memory":"1e3"}}}]}}`},
	{"ports by number and name", `{"spec":{"containers":[{"name":"c","livenessProbe":{"httpGet":{"port":80}},"readinessProbe":{"tcpSocket":{"port":"http"}},"startupProbe":{"httpGet":{"path":"/"}}}]}}`},
	{"escapes", `{"metadata":{"annotations":{"a":"<b>&\"\\\/\b\f\n\r\t\u0001\u007f\u2028\u2029é😀"}},"spec":{"containers":[]}}`},
	{"empty objects", `{"spec":{"affinity":{},"securityContext":{},"dnsConfig":{},"containers":[{"name":"c","securityContext":{},"lifecycle":{},"livenessProbe":{},"env":[{"name":"A","valueFrom":{}}]}],"volumes":[{"name":"v","emptyDir":{}},{"name":"w"}]}}`},
}

// without removes from a JSON document every object entry that drop selects, innermost first.
func without(document []byte, drop func(any) bool) []byte {
	var v any
	mustDecode(document, &v)
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for key, item := range v {
				walk(item)
				if drop(item) {
					delete(v, key)
				}
			}
		case []any:
			for _, item := range v {
				walk(item)
			}
		}
	}
	walk(v)
	return mustJSON(v)
}

func isZero(v any) bool {
	switch v := v.(type) {
	case string:
		return v == ""
	case float64:
		return v == 0
	case bool:
		return !v
	}
	return v == nil
}
