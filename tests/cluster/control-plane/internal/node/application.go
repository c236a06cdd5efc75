package node

import (
	"fmt"
	"net/http"
	"sort"
	"sync"
)

// application is what a container does with requests: it answers them, and counts its answers at /metrics as
// Prometheus reads them. Scrapes do not count.
type application struct {
	body      []byte
	status    int
	errorRate int // of 100 answers
	lock      sync.Mutex
	answered  int
	byStatus  map[int]int
}

func newApplication(body []byte, status, errorRate int) http.Handler {
	// A rate needs a first value to rise from.
	counters := map[int]int{status: 0, http.StatusInternalServerError: 0}
	return &application{body: body, status: status, errorRate: errorRate, byStatus: counters}
}

func (a *application) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/metrics" {
		a.metrics(w)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(a.next())
	_, _ = w.Write(a.body)
}

// next is the status of the next answer. Errors are spread evenly, so that any hundred answers in a row have as many.
func (a *application) next() int {
	a.lock.Lock()
	defer a.lock.Unlock()
	errorsBefore := a.answered * a.errorRate / 100
	a.answered++
	status := a.status
	if a.answered*a.errorRate/100 > errorsBefore {
		status = http.StatusInternalServerError
	}
	a.byStatus[status]++
	return status
}

func (a *application) metrics(w http.ResponseWriter) {
	a.lock.Lock()
	defer a.lock.Unlock()
	w.Header().Set("Content-Type", "text/plain; version=0.0.4")
	_, _ = fmt.Fprint(w, "# HELP http_requests_total Requests that were answered.\n# TYPE http_requests_total counter\n")
	var statuses []int
	for status := range a.byStatus {
		statuses = append(statuses, status)
	}
	sort.Ints(statuses)
	for _, status := range statuses {
		_, _ = fmt.Fprintf(w, "http_requests_total{code=\"%d\"} %d\n", status, a.byStatus[status])
	}
}
