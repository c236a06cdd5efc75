package node

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func ask(handler http.Handler, path string) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, path, nil))
	return recorder
}

func TestErrorsAreAsManyAsAskedForInAnyHundredAnswers(t *testing.T) {
	for _, rate := range []int{0, 1, 30, 99, 100} {
		application := newApplication([]byte("it"), http.StatusOK, rate)
		var failed []bool
		for range 250 {
			failed = append(failed, ask(application, "/").Code == http.StatusInternalServerError)
		}
		for first := range 150 {
			count := 0
			for _, is := range failed[first : first+100] {
				if is {
					count++
				}
			}
			if count != rate {
				t.Fatalf("%d %%: %d errors in 100 answers after %d", rate, count, first)
			}
		}
	}
}

func TestAnswersAreCountedByStatusAndScrapesAreNot(t *testing.T) {
	application := newApplication([]byte("it"), http.StatusOK, 30)
	counted := func(want string) {
		t.Helper()
		page := ask(application, "/metrics")
		if got := page.Body.String(); !strings.HasSuffix(got, want) || page.Code != http.StatusOK {
			t.Fatalf("want %q at the end, have %q", want, got)
		}
	}
	counted("# TYPE http_requests_total counter\nhttp_requests_total{code=\"200\"} 0\nhttp_requests_total{code=\"500\"} 0\n")
	for range 20 {
		ask(application, "/some/path")
	}
	counted("\nhttp_requests_total{code=\"200\"} 14\nhttp_requests_total{code=\"500\"} 6\n")
}

func TestAnErrorRateIsAPercentage(t *testing.T) {
	for value, isGood := range map[string]bool{"0": true, "30": true, "100": true, "101": false, "-1": false, "some": false} {
		pod := &corev1.Pod{}
		pod.Annotations = map[string]string{annotationErrorRate: value}
		if _, err := behaviourOf(pod); (err == nil) != isGood {
			t.Errorf("%q: %v", value, err)
		}
	}
}
