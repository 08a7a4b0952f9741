// Package guard holds tests only: rules of structure that no reviewer should have to remember.
package guard
