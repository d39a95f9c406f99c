package dynamodb

import (
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// numeral matches a number: its sign, digits before and after the point, and exponent.
var numeral = regexp.MustCompile(`^([+-]?)([0-9]*)\.?([0-9]*)(?:[eE]([+-]?[0-9]{1,6}))?$`)

// parseNumber returns a number as DynamoDB returns it: without an exponent and without
// leading and trailing zeros. Equal numbers give equal texts.
func parseNumber(s string) (string, *Error) {
	m := numeral.FindStringSubmatch(s)
	switch {
	case s == "":
		return "", invalid("The parameter cannot be converted to a numeric value")
	case m == nil || m[2]+m[3] == "":
		return "", invalid("The parameter cannot be converted to a numeric value: %s", s)
	}
	exponent, _ := strconv.Atoi(m[4]) // none is 0
	exponent -= len(m[3])
	digits := strings.TrimLeft(m[2]+m[3], "0")
	significant := strings.TrimRight(digits, "0")
	exponent += len(digits) - len(significant)
	digits = significant
	if digits == "" {
		return "0", nil
	}
	point := len(digits) + exponent // digits before the point
	switch {
	case point-1 > maxNumberExponent:
		return "", invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
	case point-1 < minNumberExponent:
		return "", invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
	case len(digits) > maxNumberDigits:
		return "", invalid("Attempting to store more than %d significant digits in a Number", maxNumberDigits)
	}
	sign := strings.Trim(m[1], "+")
	switch {
	case exponent >= 0:
		return sign + digits + strings.Repeat("0", exponent), nil
	case point > 0:
		return sign + digits[:point] + "." + digits[point:], nil
	}
	return sign + "0." + strings.Repeat("0", -point) + digits, nil
}

// compareNumbers compares two results of parseNumber.
func compareNumbers(a, b string) int { return rational(a).Cmp(rational(b)) }

func rational(s string) *big.Rat {
	r, _ := new(big.Rat).SetString(s)
	return r
}

// numberBytes returns the size of a result of parseNumber.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html (2026-11)
func numberBytes(s string) int {
	digits := strings.Trim(strings.Replace(strings.TrimPrefix(s, "-"), ".", "", 1), "0")
	return (len(digits)+1)/2 + 1
}
