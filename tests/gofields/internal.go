package main

import (
	"bytes"
	"fmt"
	"reflect"
	"sort"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/kubernetes/pkg/apis/core"
)

// The API server validates pods in types of its own, and shows their differences as encoding/json writes those. Each line
// of the table is a struct: its name, and of each field the name in that JSON, the name in the API's JSON and the kind.
// Embedded structs are flattened; kinds are those of Go, with the names of types that are strings or numbers resolved.

type internalTable struct {
	lines map[string]string
	v1    map[reflect.Type]reflect.Type
}

func internalTypes() []byte {
	table := internalTable{lines: map[string]string{}, v1: map[reflect.Type]reflect.Type{}}
	table.kind(reflect.TypeFor[core.PodSpec](), reflect.TypeFor[corev1.PodSpec]())
	names := make([]string, 0, len(table.lines))
	for name := range table.lines {
		names = append(names, name)
	}
	sort.Strings(names)
	var out bytes.Buffer
	for _, name := range names {
		fmt.Fprintf(&out, "%s%s\n", name, table.lines[name])
	}
	return out.Bytes()
}

// kind names a type, and writes the lines of the structs in it.
func (table *internalTable) kind(t, v1 reflect.Type) string {
	switch t {
	case reflect.TypeFor[resource.Quantity]():
		return "quantity"
	case reflect.TypeFor[intstr.IntOrString]():
		return "any"
	case reflect.TypeFor[metav1.Time](), reflect.TypeFor[metav1.FieldsV1]():
		return "any"
	}
	switch t.Kind() {
	case reflect.Pointer:
		if v1.Kind() != reflect.Pointer {
			return "*" + table.kind(t.Elem(), v1)
		}
		return "*" + table.kind(t.Elem(), v1.Elem())
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "*any"
		}
		return "[]" + table.kind(t.Elem(), v1.Elem())
	case reflect.Map:
		return "{}" + table.kind(t.Elem(), v1.Elem())
	case reflect.Struct:
		name := t.String()
		if _, seen := table.lines[name]; !seen {
			table.lines[name] = ""
			table.lines[name] = table.fields(t, v1)
		}
		return name
	case reflect.Bool:
		return "bool"
	case reflect.String:
		return "string"
	case reflect.Int32, reflect.Int64, reflect.Uint8:
		return "int"
	}
	fail("no kind for %s", t)
	return ""
}

func (table *internalTable) fields(t, v1 reflect.Type) string {
	var out strings.Builder
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if field.Anonymous && name == "" {
			embedded := v1
			if found, ok := v1.FieldByName(field.Name); ok {
				embedded = found.Type
			}
			out.WriteString(table.fields(field.Type, embedded))
			continue
		}
		if name == "-" || !field.IsExported() {
			continue
		}
		if name == "" {
			name = field.Name
		}
		json, kind, found := v1Field(t, v1, field)
		if !found {
			fail("%s has no %s", v1, field.Name)
		}
		if strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero") {
			json += "?"
		}
		fmt.Fprintf(&out, " %s,%s,%s", name, json, table.kind(field.Type, kind))
	}
	return out.String()
}

// v1Field finds the field of the API that a field comes from. What the API has in a pod's spec about the host is here in its
// security context.
func v1Field(t, v1 reflect.Type, field reflect.StructField) (string, reflect.Type, bool) {
	found, ok := v1.FieldByName(field.Name)
	if !ok && t == reflect.TypeFor[core.PodSecurityContext]() {
		found, ok = reflect.TypeFor[corev1.PodSpec]().FieldByName(field.Name)
	}
	if !ok {
		return "", nil, false
	}
	name, _, _ := strings.Cut(found.Tag.Get("json"), ",")
	return name, found.Type, true
}
