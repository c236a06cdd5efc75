module sluice.dev/tests/cluster/crds

go 1.26.0

require (
	github.com/servicemeshinterface/smi-sdk-go v0.5.0
	istio.io/api v1.31.1
	sigs.k8s.io/gateway-api v1.6.1
	sigs.k8s.io/yaml v1.6.0
)

require go.yaml.in/yaml/v2 v2.4.4 // indirect
