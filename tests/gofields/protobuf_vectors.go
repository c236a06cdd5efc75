package main

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/randfill"
)

// wireVector is a body in protobuf, and the object that Go has after reading it, as Go writes it; or why it cannot be read.
type wireVector struct {
	Protobuf []byte          `json:"protobuf"`
	JSON     json.RawMessage `json:"json,omitempty"`
	Error    string          `json:"error,omitempty"`
}

// wireVectors fills objects of every kind, and breaks some.
func wireVectors() []byte {
	known := wireScheme()
	known.AddKnownTypes(metav1.SchemeGroupVersion, &metav1.DeleteOptions{})
	serializer := protobuf.NewSerializer(known, known)
	var out bytes.Buffer
	add := func(body []byte) {
		vector := wireVector{Protobuf: body}
		object, _, err := serializer.Decode(body, nil, nil)
		if err == nil {
			vector.JSON, err = json.Marshal(object)
		}
		if err != nil {
			vector.Error = err.Error()
		}
		out.Write(append(mustJSON(vector), '\n'))
	}
	for i, kind := range wireKinds() {
		for round := range int64(wireRounds) {
			object, err := known.New(kind.GroupVersionKind)
			must(err)
			filler(int64(i)*wireRounds+round, round).Fill(object)
			object.GetObjectKind().SetGroupVersionKind(kind.GroupVersionKind)
			var body bytes.Buffer
			must(serializer.Encode(object, &body))
			add(body.Bytes())
		}
	}
	for _, body := range broken(serializer) {
		add(body)
	}
	return pack(out.Bytes())
}

// wireRounds is how often each kind is filled: with nothing, with nearly everything, and then by chance.
const wireRounds = 3

func filler(seed, round int64) *randfill.Filler {
	gap := []float64{1, 0.05, 0.6}[round]
	filled := []int{0, 1, 2}[round]
	// As deep as it takes for the fields of the claim in a volume of a CronJob.
	depth := []int{2, 16, 14}[round]
	number := func(c randfill.Continue) int64 {
		return []int64{0, 1, 2, 7, 80, 443, 8080, -1, -1000, math.MaxInt32, math.MinInt32}[c.Intn(11)]
	}
	return randfill.NewWithSeed(seed).NilChance(gap).NumElements(min(filled, 1), filled).MaxDepth(depth).Funcs(
		func(s *string, c randfill.Continue) {
			words := []string{"", "a", "web", "b.example/x", "Always", "64Mi", "é", "<&>", "\"\\\n\u2028", "😀"}
			*s = words[c.Intn(len(words))]
		},
		func(i *int32, c randfill.Continue) { *i = int32(number(c)) },
		func(i *int64, c randfill.Continue) { *i = number(c) * []int64{1, 1 << 31}[c.Intn(2)] },
		func(f *float64, c randfill.Continue) {
			*f = []float64{0, 1, -2, 0.5, 1e6, 1.25e-9, 1e21, 3e300, 0.1}[c.Intn(9)]
		},
		func(t *metav1.Time, c randfill.Continue) { *t = metav1.NewTime(moment(c)) },
		func(t *metav1.MicroTime, c randfill.Continue) { *t = metav1.NewMicroTime(moment(c)) },
		func(q *resource.Quantity, c randfill.Continue) {
			*q = resource.MustParse([]string{"0", "1", "1500m", "0.5", "64Mi", "1e3", "-2", "1Ki"}[c.Intn(8)])
		},
		func(i *intstr.IntOrString, c randfill.Continue) {
			*i = []intstr.IntOrString{{}, intstr.FromInt32(80), intstr.FromString("25%"), intstr.FromString("")}[c.Intn(4)]
		},
		func(f *metav1.FieldsV1, c randfill.Continue) { f.Raw = []byte(`{"f:spec":{"f:a":{}}}`) },
		func(r *runtime.RawExtension, c randfill.Continue) {
			r.Raw = [][]byte{nil, []byte(`{"a":[1,"b",null]}`), []byte(`"x"`)}[c.Intn(3)]
		},
		func(j *apiextensionsv1.JSON, c randfill.Continue) {
			j.Raw = [][]byte{nil, []byte("1.5"), []byte(`{"a":"b"}`), []byte("null")}[c.Intn(4)]
		},
	)
}

func moment(c randfill.Continue) time.Time {
	return []time.Time{
		{}, time.Unix(0, 0), time.Unix(1700000000, 123456789), time.Unix(-1, 999999000), time.Unix(253402300799, 0),
	}[c.Intn(5)].UTC()
}

// broken are bodies that no client sends: cut, or with another byte somewhere.
func broken(serializer *protobuf.Serializer) [][]byte {
	object := brokenObject()
	raw, err := object.Marshal()
	must(err)
	envelope := func(raw []byte) []byte {
		unknown := runtime.Unknown{Raw: raw}
		unknown.SetGroupVersionKind(object.GroupVersionKind())
		var body bytes.Buffer
		must(serializer.Encode(&unknown, &body))
		return body.Bytes()
	}
	whole := envelope(raw)
	var out [][]byte
	for length := range len(whole) {
		if length < 30 || length%7 == 0 {
			out = append(out, whole[:length])
		}
	}
	for length := range len(raw) {
		out = append(out, envelope(raw[:length]))
	}
	chance := rand.New(rand.NewSource(1))
	for range 400 {
		changed := bytes.Clone(raw)
		changed[chance.Intn(len(raw))] = byte(chance.Intn(256))
		out = append(out, envelope(changed))
	}
	for _, tail := range [][]byte{
		{0x00}, {0x03}, {0x04}, {0x0c}, {0x0b, 0x0c}, {0x0b, 0x0b, 0x0c}, {0xf8, 0x7f, 0x01}, {0xfa, 0x7f, 0x02, 1, 2}, {0xfa, 0x7f, 0x02, 1},
		{0xf9, 0x7f, 1, 2, 3, 4, 5, 6, 7, 8}, {0xf9, 0x7f, 1}, {0xfd, 0x7f, 1, 2, 3, 4}, {0xfd, 0x7f, 1}, {0xfe, 0x7f}, {0xff, 0x7f}, {0xfb, 0x7f, 0xfc, 0x7f},
		{0xfb, 0x7f}, {0xfc, 0x7f}, {0x80}, bytes.Repeat([]byte{0xff}, 11), {0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01},
		{0xfa, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, {0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
		{0x0a, 0x03, 0x0a, 0x01, 'z'}, {0x0a, 0x02, 0x5a, 0x00}, {0x0a, 0x04, 0x5a, 0x02, 0x0a, 0x09}, {0x0a, 0x04, 0x5a, 0x02, 0x1a, 0x00},
		{0x0a, 0x05, 0x5a, 0x03, 0x08, 0x01, 'k'}, {0xfb, 0x7f, 0x80},
	} {
		out = append(out, envelope(append(bytes.Clone(raw), tail...)))
	}
	out = append(out, []byte("{}"), []byte("k8s\x00\x0a"), []byte("k8s\x00\x12\x01"))
	return out
}

// brokenObject has a field of every kind that bodies have, in few bytes.
func brokenObject() *appsv1.Deployment {
	share, replicas := intstr.FromString("25%"), int32(2)
	object := &appsv1.Deployment{
		TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{
			Name: "web", Labels: map[string]string{"a": "b"}, CreationTimestamp: metav1.NewTime(time.Unix(1700000000, 0)),
		},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Strategy: appsv1.DeploymentStrategy{RollingUpdate: &appsv1.RollingUpdateDeployment{MaxSurge: &share}},
		},
	}
	container := corev1.Container{Name: "c"}
	container.Resources.Limits = corev1.ResourceList{"cpu": resource.MustParse("1500m")}
	object.Spec.Template.Spec.Containers = []corev1.Container{container}
	return object
}
