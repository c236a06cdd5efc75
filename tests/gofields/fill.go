package main

import (
	"reflect"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// fill sets v and all below it. A full value has something representative everywhere; a hollow one has every pointer
// set and every list and map holding one entry, but zero scalars: what Go writes of it shows which zeros it omits.
func fill(v reflect.Value, name string, full bool) {
	switch v.Type() {
	case reflect.TypeFor[resource.Quantity]():
		if full {
			v.Set(reflect.ValueOf(resource.MustParse("1536Mi")))
		}
		return
	case reflect.TypeFor[intstr.IntOrString]():
		if full {
			v.Set(reflect.ValueOf(intstr.FromString(name)))
		}
		return
	case reflect.TypeFor[metav1.Time]():
		if full {
			v.Set(reflect.ValueOf(metav1.NewTime(time.Date(2024, 2, 29, 1, 2, 3, 0, time.UTC))))
		}
		return
	case reflect.TypeFor[metav1.FieldsV1]():
		v.Set(reflect.ValueOf(metav1.FieldsV1{Raw: []byte(`{"f:spec":{}}`)}))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), name, full)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), v.Type().Field(i).Name, full)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0), name, full)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for _, key := range []string{"b", "a.example/x"} {
			item := reflect.New(v.Type().Elem()).Elem()
			fill(item, name, full)
			v.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), item)
		}
	case reflect.Bool:
		v.SetBool(full)
	case reflect.Int32, reflect.Int64:
		if full {
			v.SetInt(7)
		}
	case reflect.String:
		if full {
			v.SetString("<" + name + ">")
		}
	default:
		fail("no filling for %s", v.Type())
	}
}
