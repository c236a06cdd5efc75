package main

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/api/resource"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// quantityVector is a quantity as written and its canonical form; null when it is not a quantity.
type quantityVector struct {
	Text      string  `json:"text"`
	Canonical *string `json:"canonical"`
	Milli     *string `json:"milli"`
}

func decodeUnstructured(data []byte, into *map[string]any) error {
	return utiljson.Unmarshal(data, into)
}

func quantityVectors() []quantityVector {
	var out []quantityVector
	for _, text := range quantityTexts() {
		vector := quantityVector{Text: text}
		var q resource.Quantity
		if json.Unmarshal(mustJSON(text), &q) == nil {
			canonical := q.String()
			vector.Canonical = &canonical
			q.RoundUp(resource.Milli)
			milli := q.String()
			vector.Milli = &milli
		}
		out = append(out, vector)
	}
	return out
}

func quantityTexts() []string {
	texts := []string{
		"", " ", "0", "-0", "+0", "00", "0.0", "0Mi", "0m", "0e9", ".", ".5", "5.", "-.5", "+5", "--5", "+-5", "1 ", " 1", "1 Gi",
		"invalid", "1x", "1i", "1K", "1ki", "1mi", "1e", "1ee3", "1e3", "1E3", "1e+3", "1e-3", "1E-3", "1e3Mi", "1Mi3", "1e3.5", "e3", "Mi",
		"0.001", "0.0001", "1024Mi", "2000m", "1E", "1Ei", "0.5Gi", "1.5", "1.5Gi", "1.5Ki", "1.0005Ki", "0.3Ki", "1023Ki", "1025Ki", "100Ki",
		"1000", "1000k", "1000000", "1500", "1500k", "12345678", "1024", "1Ki", "1023", "512Ki", "0.5Mi",
		"1n", "0.1n", "0.9n", "1.1n", "999n", "1000n", "1u", "1500u", "-1n", "-0.1n", "-1500u", "-1.5Gi", "-1024Mi", "-1023", "-1024", "-1Ki",
		"9223372036854775807", "9223372036854775808", "-9223372036854775808", "9223372036854775807Ki", "8Ei", "7Ei", "7.9999999999999999Ei", "16Ei", "-16Ei", "9999999999Ei",
		"9223372036854775807k", "1000E", "1000000E", "12345678901234567890123456789", "1234567890123456789012345E", "0.12345678901234567890", "123456789.123456789123456789",
		"1e18", "1e19", "1e21", "1e100", "12e100", "123e101", "1e-9", "1e-10", "1e-100", "1.5e-9", "1e0", "1.5e3", "100e3", "0.00001e3", "1e99999999999999999999",
		"0.1Ki", "0.0000001Gi", "0.000000000001Gi", "0.0009765625Ki", "1.00000000000000000001Gi", "3.3Gi", "0.7Ti", "2.25Ki", "1Pi", "1Ti", "1P", "1T", "1G", "1M", "1k", "1m",
		"1.50", "01.5", "1..5", "1.5.5", "1,5", "1_000", "0x10", "１",
		"123456789012345678", "1234567890123456789", "12345678901234567890", "999999999999999999999", "0.999999999", "0.9999999999", "1.0000000001", "10m", "100m", "10", "100", "10k", "10Gi", "100Gi", "1000Gi", "1000Mi", "1048576Ki",
	}
	for _, suffix := range []string{"", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "e2", "E-2"} {
		for _, number := range []string{"1", "10", "1023", "1024", "1536", "0.5", "1.25", "-3", "2.000", "1048576", "999999"} {
			texts = append(texts, fmt.Sprint(number, suffix))
		}
	}
	// A plus sign shows whether Go kept the text: at each length, and for each of the low bits that it looks at.
	for _, suffix := range []string{"", "m", "k", "e3", "e1", "Ki", "Mi", "Gi", "Ti", "Pi"} {
		for length := 1; length <= 20; length++ {
			texts = append(texts, "+"+"12345678901234567891"[:length]+suffix)
		}
		for low := range 17 {
			texts = append(texts, fmt.Sprint("+", low, suffix))
		}
	}
	for _, fraction := range []string{"1.5", "1.25", "1.125", "1.0", "1.00", "1.000", "0.125", "00.125", "12.1000", "1.123456", "1.1234567", "1.123456789", "1.1234567890", "123456789.123456789", "1234567890.123456789"} {
		for _, suffix := range []string{"", "m", "u", "k", "e3", "e-1", "Ki"} {
			texts = append(texts, "+"+fraction+suffix)
		}
	}
	return texts
}
