// Package mlflow is the vocabulary of the program: model URIs (Ref), MLflow's
// objects as its REST API shows them (Object and one type per kind), what was
// gathered about one model (Bundle), and what could not be (Issue, Error).
//
// It does no I/O and knows no backend. Everything else imports it; it imports
// nothing of ours.
package mlflow
