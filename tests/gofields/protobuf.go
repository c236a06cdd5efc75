package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sort"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
)

// sandboxGroups are the groups and versions that the sandbox has.
var sandboxGroups = []string{
	"v1", "apiextensions.k8s.io/v1", "apps/v1", "authentication.k8s.io/v1", "authorization.k8s.io/v1", "autoscaling/v1",
	"autoscaling/v2", "batch/v1", "coordination.k8s.io/v1", "discovery.k8s.io/v1", "events.k8s.io/v1",
	"networking.k8s.io/v1", "policy/v1", "rbac.authorization.k8s.io/v1",
}

// wireKind is a kind that can be the body of a request.
type wireKind struct {
	schema.GroupVersionKind
	typ reflect.Type
}

func wireScheme() *runtime.Scheme {
	known := runtime.NewScheme()
	must(scheme.AddToScheme(known))
	must(apiextensionsv1.AddToScheme(known))
	return known
}

// wireKinds lists what a client may send in protobuf: objects, not lists, and the options of a deletion.
func wireKinds() []wireKind {
	known := wireScheme()
	out := []wireKind{{metav1.SchemeGroupVersion.WithKind("DeleteOptions"), reflect.TypeFor[metav1.DeleteOptions]()}}
	for _, text := range sandboxGroups {
		version, err := schema.ParseGroupVersion(text)
		must(err)
		for kind, typ := range known.KnownTypes(version) {
			if meta, ok := typ.FieldByName("ObjectMeta"); ok && meta.Anonymous {
				out = append(out, wireKind{version.WithKind(kind), typ})
			}
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].String() < out[j].String() })
	return out
}

// wireForms are the messages whose JSON is not that of their fields. What is written in plain Go, without tags, has its
// fields here as well.
var wireForms = map[reflect.Type]struct{ name, fields string }{
	reflect.TypeFor[metav1.Time]():                                  {"time", "1,Seconds,seconds,,int64 2,Nanos,nanos,,int32"},
	reflect.TypeFor[metav1.MicroTime]():                             {"micro-time", "1,Seconds,seconds,,int64 2,Nanos,nanos,,int32"},
	reflect.TypeFor[resource.Quantity]():                            {"quantity", "1,String_,string,,string"},
	reflect.TypeFor[intstr.IntOrString]():                           {"int-or-string", ""},
	reflect.TypeFor[metav1.FieldsV1]():                              {"raw", "1,Raw,raw,,bytes"},
	reflect.TypeFor[runtime.RawExtension]():                         {"raw", "1,Raw,raw,,bytes"},
	reflect.TypeFor[apiextensionsv1.JSON]():                         {"raw", ""},
	reflect.TypeFor[apiextensionsv1.JSONSchemaPropsOrArray]():       {"list-or-one", ""},
	reflect.TypeFor[apiextensionsv1.JSONSchemaPropsOrStringArray](): {"list-or-one", ""},
	reflect.TypeFor[apiextensionsv1.JSONSchemaPropsOrBool]():        {"one-or-bool", ""},
}

type unmarshaler interface{ Unmarshal([]byte) error }

type wireTable struct {
	seen  map[reflect.Type]string
	lines []string
}

// message is the name of a type in the table, which gets a line when it is first named.
func (w *wireTable) message(t reflect.Type) string {
	if name, ok := w.seen[t]; ok {
		return name
	}
	parts := strings.Split(t.PkgPath(), "/")
	name := strings.Join(append(parts[len(parts)-2:], t.Name()), ".")
	for other, taken := range w.seen {
		if taken == name {
			fail("%s and %s want the same name", t, other)
		}
	}
	w.seen[t] = name
	special := wireForms[t]
	line := name
	if special.name != "" {
		line += "=" + special.name
	}
	switch {
	case !reflect.PointerTo(t).Implements(reflect.TypeFor[unmarshaler]()):
		fail("%s has no form in protobuf", t)
	case special.fields != "":
		line += " " + special.fields
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			if field := w.field(t, t.Field(i)); field != "" {
				line += " " + field
			}
		}
	case t.Kind() == reflect.Slice: // gogo writes a list with a name of its own as a message.
		line += "=items 1,Items,items,," + w.kind(t, reflect.SliceOf(t.Elem()))
	default:
		fail("no form for %s", t)
	}
	w.lines = append(w.lines, line)
	return name
}

// field is the entry of one field; nothing where protobuf has none, and JSON neither once nothing is set.
func (w *wireTable) field(owner reflect.Type, f reflect.StructField) string {
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	options = "," + options + ","
	has := func(option string) bool { return strings.Contains(options, ","+option+",") }
	tag := strings.Split(f.Tag.Get("protobuf"), ",")
	if len(tag) < 2 {
		inlined := f.Anonymous && name == "" && f.Type == reflect.TypeFor[metav1.TypeMeta]()
		if !inlined && name != "-" && !has("omitempty") {
			fail("%s.%s is in JSON alone", owner, f.Name)
		}
		return ""
	}
	flags := ""
	if has("omitempty") {
		flags += "e"
	}
	if has("omitzero") {
		flags += "z"
	}
	switch {
	case name == "" && f.Anonymous:
		flags += "i"
	case name == "":
		name = f.Name
	}
	return fmt.Sprintf("%s,%s,%s,%s,%s", tag[1], f.Name, name, flags, w.kind(owner, f.Type))
}

// kind is a type in the words of the table.
func (w *wireTable) kind(owner, t reflect.Type) string {
	if reflect.PointerTo(t).Implements(reflect.TypeFor[unmarshaler]()) {
		return "@" + w.message(t)
	}
	switch t.Kind() {
	case reflect.Bool, reflect.Int32, reflect.Int64, reflect.String, reflect.Float64:
		return t.Kind().String()
	case reflect.Pointer:
		return "*" + w.kind(owner, t.Elem())
	case reflect.Map:
		if t.Key().Kind() == reflect.String {
			return "map:" + w.kind(owner, t.Elem())
		}
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		return "[]" + w.kind(owner, t.Elem())
	}
	fail("%s: no kind for %s", owner, t)
	return ""
}

// wireFields is the table: the kinds of Kubernetes, with the message where the sandbox has the kind, an empty line, and the messages with their fields.
func wireFields() []byte {
	w := &wireTable{seen: map[reflect.Type]string{}}
	messages := map[schema.GroupVersionKind]string{}
	for _, kind := range wireKinds() {
		messages[kind.GroupVersionKind] = " " + w.message(kind.typ)
	}
	kinds := map[string]bool{}
	add := func(kind schema.GroupVersionKind) {
		if kind.Version != runtime.APIVersionInternal {
			kinds[fmt.Sprint(kind.GroupVersion(), " ", kind.Kind, messages[kind])] = true
		}
	}
	for kind := range wireScheme().AllKnownTypes() {
		add(kind)
	}
	for kind := range messages {
		add(kind)
	}
	var text strings.Builder
	fmt.Fprintln(&text, strings.Join(slices.Sorted(maps.Keys(kinds)), "\n"))
	fmt.Fprintln(&text)
	w.message(reflect.TypeFor[runtime.Unknown]())
	sort.Strings(w.lines)
	fmt.Fprintln(&text, strings.Join(w.lines, "\n"))
	return pack([]byte(text.String()))
}

// pack compresses without a time stamp, so that the same text gives the same bytes.
func pack(text []byte) []byte {
	var out bytes.Buffer
	writer, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	must(err)
	_, err = writer.Write(text)
	must(err)
	must(writer.Close())
	return out.Bytes()
}

func must(err error) {
	if err != nil {
		fail("%v", err)
	}
}
