package main

import (
	"encoding/json"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// toleranceVector is a template that does not decode and what is left of it after the two passes that Argo Rollouts
// makes: the strict conversion, then encoding/json over the same value.
type toleranceVector struct {
	Name  string          `json:"name"`
	Input json.RawMessage `json:"input"`
	JSON  string          `json:"json"`
	Hash  string          `json:"hash"`
}

func toleranceVectors() []toleranceVector {
	var out []toleranceVector
	for _, c := range malformed {
		encoded := mustJSON(tolerated([]byte(c.template)))
		out = append(out, toleranceVector{c.name, json.RawMessage(c.template), string(encoded), templateHash(encoded)})
	}
	return out
}

func tolerated(input []byte) corev1.PodTemplateSpec {
	// The API machinery's decoder keeps integers as int64; an Unstructured does not hold anything else.
	content := map[string]any{}
	if err := decodeUnstructured(input, &content); err != nil {
		fail("decode %s: %v", input, err)
	}
	var typed corev1.PodTemplateSpec
	if runtime.DefaultUnstructuredConverter.FromUnstructured(content, &typed) == nil {
		return typed
	}
	// What cannot be decoded is left at its zero value; the error is the point of the vector.
	_ = json.Unmarshal(mustJSON(content), &typed)
	return typed
}

// malformed leaves out what Argo Rollouts itself damages: after a value whose own decoder fails (a quantity), Go drops
// the fields that follow it, too. Here nothing follows.
var malformed = []struct{ name, template string }{
	{"memory is not a quantity", `{"metadata":{"labels":{"app":"a"}},"spec":{"containers":[{"name":"c","image":"i","resources":{"requests":{"memory":"invalid"}}}]}}`},
	{"memory is not a quantity, cpu is", `{"spec":{"containers":[{"name":"c","image":"i","resources":{"requests":{"cpu":"1000m","memory":"invalid"}}}]}}`},
	{"a boolean for a quantity", `{"spec":{"containers":[{"name":"c","image":"i","resources":{"limits":{"cpu":true}}}]}}`},
	{"an object for a quantity", `{"spec":{"containers":[{"name":"c","image":"i","resources":{"limits":{"cpu":{}}}}]}}`},
	{"ephemeral containers are an object", `{"spec":{"containers":[{"name":"c"}],"ephemeralContainers":{"a":"b"},"volumes":[{"name":"v"}],"nodeName":"n"}}`},
	{"ephemeral containers are a string", `{"spec":{"containers":[{"name":"c"}],"ephemeralContainers":"x","nodeName":"n"}}`},
	{"a string for an optional integer", `{"spec":{"containers":[{"name":"c"}],"terminationGracePeriodSeconds":"30","nodeName":"n"}}`},
	{"a string for an integer", `{"spec":{"containers":[{"name":"c","ports":[{"containerPort":"80","name":"http"}],"tty":true}],"nodeName":"n"}}`},
	{"a fraction for an integer", `{"spec":{"containers":[{"name":"c","ports":[{"containerPort":80.5,"name":"http"}]}]}}`},
	{"a whole number written as a fraction", `{"spec":{"containers":[{"name":"c","ports":[{"containerPort":80.0,"name":"http"}]}]}}`},
	{"a whole number written as a fraction beside a mistake", `{"spec":{"containers":[{"name":"c","ports":[{"containerPort":80.0,"name":5}]}]}}`},
	{"an integer out of range", `{"spec":{"containers":[{"name":"c","ports":[{"containerPort":4294967296,"name":"http"}]}]}}`},
	{"a string for a boolean", `{"spec":{"containers":[{"name":"c","stdinOnce":"yes","tty":true}],"hostNetwork":"true","nodeName":"n"}}`},
	{"a number for a string", `{"spec":{"containers":[{"name":"c","image":5}],"nodeName":"n"}}`},
	{"a number for a label", `{"metadata":{"labels":{"a":1,"b":"c"}},"spec":{"containers":[]}}`},
	{"a list for labels", `{"metadata":{"labels":["a"]},"spec":{"containers":[]}}`},
	{"a string for an optional object", `{"spec":{"containers":[{"name":"c"}],"securityContext":"x","nodeName":"n"}}`},
	{"a list for an optional object", `{"spec":{"containers":[{"name":"c"}],"affinity":[],"nodeName":"n"}}`},
	{"a string for a list", `{"spec":{"containers":[{"name":"c","command":"sh -c","args":["x"]}]}}`},
	{"a number in a list of strings", `{"spec":{"containers":[{"name":"c","command":["a",5,"b"]}]}}`},
	{"a string in a list of containers", `{"spec":{"containers":["x",{"name":"c"}],"nodeName":"n"}}`},
	{"a string for the containers", `{"spec":{"containers":"x","nodeName":"n"}}`},
	{"a string for the spec", `{"metadata":{"labels":{"a":"b"}},"spec":"x"}`},
	{"a string for the metadata", `{"metadata":"x","spec":{"nodeName":"n","containers":[]}}`},
	{"a string for an embedded struct's field", `{"spec":{"containers":[{"name":"c","livenessProbe":{"httpGet":"x","periodSeconds":5}}],"volumes":[{"name":"v","emptyDir":"x"}]}}`},
}
