// Package mlflowtest is what tests of several packages need: real MLflow
// servers and one world of objects made on them, a fake server with a switch
// for each way in which servers misbehave, and the conformance kit that wants
// the same objects from a server and from the store behind it. A test that
// cannot run says so loudly, and fails when CI=true.
//
// Only tests import it; nothing here is part of the program.
package mlflowtest
