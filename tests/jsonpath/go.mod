// The release of tests/cluster. To move to another one, change both together.
module jsonpath

go 1.25.0

require k8s.io/client-go v0.34.2
