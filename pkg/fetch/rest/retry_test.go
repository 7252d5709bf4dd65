package rest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mlreport/mlreport/pkg/mlflow"
)

// askedAt notes when requests came in, in whole seconds of fake time.
type askedAt struct {
	mu    sync.Mutex
	began time.Time
	at    []time.Duration
}

// note adds a request and counts them.
func (a *askedAt) note() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.began.IsZero() {
		a.began = time.Now()
	}
	a.at = append(a.at, time.Since(a.began))
	return len(a.at)
}

// gaps are the seconds between requests, rounded down.
func (a *askedAt) gaps() []int {
	var gaps []int
	for i := 1; i < len(a.at); i++ {
		gaps = append(gaps, int((a.at[i] - a.at[i-1]).Seconds()))
	}
	return gaps
}

func TestWaitsAsMLflowDoesBetweenTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked askedAt
		c, _ := serve(t, Options{MaxRetries: 9}, func(w http.ResponseWriter, _ *http.Request) {
			asked.note()
			w.WriteHeader(500)
		})
		_, err := c.Get(t.Context(), "runs/get", nil)
		want := []int{0, 4, 8, 16, 32, 64, 120, 120, 120} // each with less than a second of jitter
		if diff := cmp.Diff(want, asked.gaps()); diff != "" || !strings.HasSuffix(err.Error(), "(tried 10 times)") {
			t.Error(err, diff)
		}
		jittered := false
		for i := 1; i < len(asked.at); i++ {
			jittered = jittered || (asked.at[i]-asked.at[i-1])%time.Second != 0
		}
		if !jittered {
			t.Error("no jitter")
		}
	})
}

func TestRetryAfterIsObeyedInSecondsAndAsADate(t *testing.T) {
	for _, test := range []struct {
		name   string
		status int
		after  func() string
		want   []int
	}{
		{"seconds", 429, func() string { return "17" }, []int{17}},
		{"date", 503, func() string { return time.Now().Add(21 * time.Second).UTC().Format(http.TimeFormat) }, []int{21}},
		{"zero is no licence to hammer", 429, func() string { return "0" }, []int{0}},
		{"nonsense", 503, func() string { return "soon" }, []int{0}},
		{"longer than all retries together", 503, func() string { return "86400" }, []int{0 + 4 + 8 + 16 + 4}},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var asked askedAt
				c, _ := serve(t, Options{MaxRetries: 4}, func(w http.ResponseWriter, r *http.Request) {
					if asked.note() == 1 {
						w.Header().Set("Retry-After", test.after())
						w.WriteHeader(test.status)
						return
					}
					body, _ := io.ReadAll(r.Body)
					w.Write(body)
				})
				o, err := c.Post(t.Context(), "runs/search", object(t, `{"a":1}`))
				if diff := cmp.Diff(test.want, asked.gaps()); diff != "" || err != nil || text(o) != `{"a":1}` {
					t.Error(text(o), err, diff)
				}
			})
		})
	}
}

func TestRetryAfterHoldsBackOtherRequestsToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked askedAt
		c, _ := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
			if asked.note() == 1 {
				w.Header().Set("Retry-After", "30")
				w.WriteHeader(429)
				return
			}
			io.WriteString(w, "{}")
		})
		var wg sync.WaitGroup
		wg.Go(func() { c.Get(t.Context(), "runs/get", nil) })
		synctest.Wait()
		time.Sleep(time.Second)
		wg.Go(func() { c.Get(t.Context(), "runs/get", nil) })
		wg.Wait()
		if diff := cmp.Diff([]int{30, 0}, asked.gaps()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestFewerRequestsAtOnceWhenAServerHasTooMuchToDo(t *testing.T) {
	for _, refusal := range []int{429, 503} {
		t.Run(strconv.Itoa(refusal), func(t *testing.T) { fewerAtOnce(t, refusal) })
	}
}

func fewerAtOnce(t *testing.T, refusal int) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		refuse, now, most := true, 0, 0
		c, _ := serve(t, Options{InFlight: 8}, func(w http.ResponseWriter, _ *http.Request) {
			mu.Lock()
			now++
			most = max(most, now)
			status := 200
			if refuse {
				status = refusal
			}
			mu.Unlock()
			time.Sleep(10 * time.Second)
			mu.Lock()
			now--
			mu.Unlock()
			w.WriteHeader(status)
			io.WriteString(w, "{}")
		})
		ask := func(n int) int {
			mu.Lock()
			most = 0
			mu.Unlock()
			var wg sync.WaitGroup
			for range n {
				wg.Go(func() {
					if _, err := c.Get(t.Context(), "runs/get", nil); err != nil {
						t.Error(err)
					}
				})
			}
			time.Sleep(5 * time.Second)
			mu.Lock()
			refuse = false
			mu.Unlock()
			wg.Wait()
			return most
		}
		if n := ask(20); n != 8 {
			t.Errorf("%d at once at first, want 8", n)
		}
		if n := ask(20); n != 4 {
			t.Errorf("%d at once after a refusal, want 4", n)
		}
		ask(4 * widenAfter)
		if n := ask(20); n != 8 {
			t.Errorf("%d at once in the end, want 8 again", n)
		}
	})
}

// A gateway may answer with a page of its own once in a while; a login page
// comes each time.
func TestAPageAmongAnswersIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, pages := 0, 2
		c, _ := serve(t, Options{}, func(w http.ResponseWriter, _ *http.Request) {
			if asked++; asked > 1 && asked <= 1+pages {
				w.Header().Set("Content-Type", "text/html")
				io.WriteString(w, "<html>Please wait</html>")
				return
			}
			io.WriteString(w, "{}")
		})
		c.Get(t.Context(), "runs/get", nil)
		if _, err := c.Get(t.Context(), "runs/get", nil); err != nil || asked != 4 {
			t.Errorf("asked %d times: %v", asked, err)
		}
		asked, pages = 1, 1000
		if _, err := c.Get(t.Context(), "runs/get", nil); !errors.Is(err, mlflow.ErrUnavailable) || asked != 1+mostPages {
			t.Errorf("asked %d times: %v", asked, err)
		}
	})
}

func TestRequestsPerSecondAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked askedAt
		c, _ := serve(t, Options{RequestsPerSecond: 0.5}, func(w http.ResponseWriter, _ *http.Request) {
			asked.note()
			io.WriteString(w, "{}")
		})
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { c.Get(t.Context(), "runs/get", nil) })
		}
		wg.Wait()
		if diff := cmp.Diff([]int{2, 2, 2}, asked.gaps()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestPatienceBoundsTheFirstContactOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		c, p := serve(t, Options{Patience: 10 * time.Second}, func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "slow") {
				time.Sleep(time.Minute)
			}
			io.WriteString(w, "{}")
		})
		p.setRefuse(true)
		_, err := c.Get(t.Context(), "runs/get", nil)
		if took := time.Since(began); !errors.Is(err, mlflow.ErrUnavailable) || took < 9*time.Second || took > 12*time.Second {
			t.Errorf("gave up after %s: %v", took, err)
		}
		p.setRefuse(false)
		time.Sleep(probeEvery)
		if _, err := c.Get(t.Context(), "runs/get", nil); err != nil {
			t.Error(err)
		}
		if _, err := c.Get(t.Context(), "slow", nil); err != nil {
			t.Error(err)
		}
	})
}

func TestPatienceEndsATryThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		c, _ := serve(t, Options{Patience: 10 * time.Second}, func(w http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
		})
		_, err := c.Get(t.Context(), "runs/get", nil)
		want := anonymous + "does not answer: the time limit of one request is over"
		if took := time.Since(began); err == nil || err.Error() != want || took != 10*time.Second || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("gave up after %s: %v", took, err)
		}
	})
}

func TestATryEndsAtItsTimeLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked askedAt
		c, _ := serve(t, Options{Timeout: 5 * time.Second, MaxRetries: 2}, func(w http.ResponseWriter, r *http.Request) {
			asked.note()
			if len(asked.at) < 3 {
				io.WriteString(w, `{"a":`)
				http.NewResponseController(w).Flush()
				<-r.Context().Done()
				return
			}
			io.WriteString(w, "{}")
		})
		_, err := c.Get(t.Context(), "runs/get", nil)
		if diff := cmp.Diff([]int{5, 9}, asked.gaps()); diff != "" || err != nil {
			t.Error(err, diff)
		}
	})
}

func TestEndOfTheContextIsNoFaultOfTheServer(t *testing.T) {
	for _, where := range []string{"in a request", "between tries", "before a place is free"} {
		t.Run(where, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, _ := serve(t, Options{InFlight: 1}, func(w http.ResponseWriter, r *http.Request) {
					if where != "between tries" {
						<-r.Context().Done()
					}
					w.WriteHeader(503)
				})
				ctx, cancel := context.WithCancel(t.Context())
				if where == "before a place is free" {
					go c.Get(ctx, "runs/get", nil)
					synctest.Wait()
				}
				time.AfterFunc(3*time.Second, cancel)
				_, err := c.Get(ctx, "runs/get", nil)
				want := "asking http://mlflow.corp:5000 (address from MLFLOW_TRACKING_URI, no credentials) for runs/get: context canceled"
				if !errors.Is(err, context.Canceled) || err.Error() != want || errors.Is(err, mlflow.ErrUnavailable) {
					t.Error(err)
				}
				synctest.Wait()
			})
		})
	}
}

func TestDeadServerIsNotTriedInFullForEachKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := serve(t, Options{}, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}") })
		p.setRefuse(true)
		began := time.Now()
		_, err := c.Get(t.Context(), "runs/get", nil)
		if took := time.Since(began).Round(10 * time.Second); took != 250*time.Second && took != 240*time.Second {
			t.Errorf("the first call took %s: %v", took, err)
		}
		began = time.Now()
		for range 1000 {
			_, err = c.Get(t.Context(), "model-versions/get", nil)
			if !errors.Is(err, mlflow.ErrUnavailable) {
				t.Fatal(err)
			}
		}
		want := anonymous + "does not answer, and was not asked for model-versions/get: dial tcp mlflow.corp:5000: connect: connection refused"
		if err.Error() != want || mlflow.Hint(err) != "start the server, or correct the address; curl http://mlflow.corp:5000/health shows what answers there" || time.Since(began) != 0 || len(p.dialed) != 8 {
			t.Errorf("%d connections in %s: %v", len(p.dialed), time.Since(began), err)
		}

		time.Sleep(probeEvery) // one call probes, once
		for range 10 {
			c.Get(t.Context(), "runs/get", nil)
		}
		if len(p.dialed) != 9 {
			t.Errorf("%d connections, want one more", len(p.dialed))
		}
		p.setRefuse(false)
		if _, err := c.Get(t.Context(), "runs/get", nil); err == nil {
			t.Error("asked before the next probe")
		}
		time.Sleep(probeEvery)
		for range 10 {
			if _, err := c.Get(t.Context(), "runs/get", nil); err != nil {
				t.Error("the server is there again:", err)
			}
		}
	})
}

func TestOneBrokenObjectDoesNotCutOffTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := 0
		c, _ := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "broken") {
				broken++
				w.WriteHeader(500)
				return
			}
			io.WriteString(w, "{}")
		})
		c.Get(t.Context(), "broken", nil)
		c.Get(t.Context(), "broken", nil)
		if broken != 8+1 { // the second is asked once, because nothing good came since
			t.Errorf("asked %d times", broken)
		}
		if _, err := c.Get(t.Context(), "runs/get", nil); err != nil {
			t.Error(err)
		}
		if c.Get(t.Context(), "broken", nil); broken != 9+8 {
			t.Errorf("asked %d times", broken)
		}
	})
}

func TestGoodAnswersMeanwhileKeepTheServerInService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := 0
		c, _ := serve(t, Options{}, func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "broken") {
				broken++
				w.WriteHeader(502)
				return
			}
			io.WriteString(w, "{}")
		})
		time.AfterFunc(time.Minute, func() { c.Get(t.Context(), "runs/get", nil) })
		c.Get(t.Context(), "broken", nil)
		if _, err := c.Get(t.Context(), "runs/get", nil); err != nil {
			t.Error(err)
		}
		if c.Get(t.Context(), "broken", nil); broken != 16 {
			t.Errorf("asked %d times, want 16", broken)
		}
	})
}

func TestConnectionsAreKeptUntilTheServerMightCloseThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := serve(t, Options{TrackingURI: "http://mlflow.corp:5000"}, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "{}") })
		for _, pause := range []time.Duration{0, 3 * time.Second, 4900 * time.Millisecond} {
			time.Sleep(pause)
			if _, err := c.Get(t.Context(), "runs/get", nil); err != nil {
				t.Error(err)
			}
		}
		if want := 2; acksQuickly && len(p.dialed) != want { // without, each request has its own
			t.Errorf("%d connections, want %d", len(p.dialed), want)
		}
	})
}
