// Not built: its folder has the definitions of ServiceMonitor, PodMonitor and PrometheusRule. `go mod tidy` would drop it.
module sudoless.dev/tests/it/chart/prometheus-operator

go 1.26.0

require github.com/prometheus-operator/prometheus-operator v0.85.0
