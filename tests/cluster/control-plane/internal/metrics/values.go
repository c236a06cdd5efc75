package metrics

import (
	"encoding/json"
	"fmt"
	"net/http"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/client-go/kubernetes"
	"k8s.io/klog/v2"
	external "k8s.io/metrics/pkg/apis/external_metrics/v1beta1"
)

// Label marks the ConfigMaps that hold metrics. Their data are values by the name of the metric,
// and their labels are those of the values.
const Label = "metrics.sluice.dev/external"

// Root is where the API is.
const Root = "/apis/" + group + "/" + version

// handler answers for the API.
func handler(client kubernetes.Interface) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Root, func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, discovery()) })
	mux.HandleFunc("GET "+Root+"/namespaces/{namespace}/{metric}", func(w http.ResponseWriter, r *http.Request) {
		list, err := values(r, client)
		if err != nil {
			status := apierrors.NewBadRequest(err.Error()).Status()
			status.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
			answer(w, int(status.Code), status)
			return
		}
		answer(w, http.StatusOK, list)
	})
	return mux
}

// values reads what a metric is at the moment: one value from each ConfigMap that has it.
func values(r *http.Request, client kubernetes.Interface) (*external.ExternalMetricValueList, error) {
	selector, err := labels.Parse(r.URL.Query().Get("labelSelector"))
	if err != nil {
		return nil, err
	}
	marked, err := labels.NewRequirement(Label, selection.Exists, nil)
	if err != nil {
		return nil, err
	}
	options := metav1.ListOptions{LabelSelector: selector.Add(*marked).String()}
	maps, err := client.CoreV1().ConfigMaps(r.PathValue("namespace")).List(r.Context(), options)
	if err != nil {
		return nil, err
	}
	return collect(maps.Items, r.PathValue("metric"))
}

func collect(maps []corev1.ConfigMap, metric string) (*external.ExternalMetricValueList, error) {
	list := &external.ExternalMetricValueList{
		TypeMeta: metav1.TypeMeta{Kind: "ExternalMetricValueList", APIVersion: group + "/" + version},
		Items:    []external.ExternalMetricValue{},
	}
	for i := range maps {
		text, ok := maps[i].Data[metric]
		if !ok {
			continue
		}
		value, err := resource.ParseQuantity(text)
		if err != nil {
			return nil, fmt.Errorf("the metric %q in the ConfigMap %q is no quantity: %q", metric, maps[i].Name, text)
		}
		list.Items = append(list.Items, external.ExternalMetricValue{
			MetricName: metric, MetricLabels: maps[i].Labels, Timestamp: metav1.Now(), Value: value,
		})
	}
	return list, nil
}

// discovery says that there are metrics, whatever their names: clients complain of an API without resources.
func discovery() *metav1.APIResourceList {
	return &metav1.APIResourceList{
		TypeMeta:     metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"},
		GroupVersion: group + "/" + version,
		APIResources: []metav1.APIResource{{
			Name: "externalmetrics", Namespaced: true, Kind: "ExternalMetricValueList", Verbs: metav1.Verbs{"get"},
		}},
	}
}

func answer(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		klog.ErrorS(err, "Cannot answer")
	}
}
