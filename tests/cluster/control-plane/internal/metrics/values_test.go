package metrics

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func configMap(name string, data map[string]string) corev1.ConfigMap {
	return corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: data}
}

func TestEachConfigMapThatHasTheMetricGivesAValue(t *testing.T) {
	list, err := collect([]corev1.ConfigMap{
		configMap("one", map[string]string{"queue": "90", "other": "1"}),
		configMap("two", map[string]string{"other": "1"}),
		configMap("three", map[string]string{"queue": "1500m"}),
	}, "queue")
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Items) != 2 || list.Items[0].Value.MilliValue() != 90000 || list.Items[1].Value.MilliValue() != 1500 {
		t.Errorf("not the values of one and three: %v", list.Items)
	}
}

func TestAMetricThatNobodyHasIsAnEmptyListAndNotNull(t *testing.T) {
	list, err := collect(nil, "queue")
	if err != nil || list.Items == nil || len(list.Items) != 0 {
		t.Errorf("%v, %v", list, err)
	}
}

func TestAValueThatIsNoQuantityIsToldWithItsPlace(t *testing.T) {
	_, err := collect([]corev1.ConfigMap{configMap("one", map[string]string{"queue": "many"})}, "queue")
	if err == nil || !strings.Contains(err.Error(), `"queue" in the ConfigMap "one" is no quantity: "many"`) {
		t.Error(err)
	}
}
