// Package torture ill-treats the daemon; it holds no code that ships.
//
// Its tests build the binary as it is released, run it as a process of its
// own against a sandbox, and take away what it relies on: the process itself,
// the disk, the network, honest peers. Each ends by asking for the promises,
// and prints its figure and the seed that repeats it. A short set runs with
// the other tests; DEALBELL_TORTURE=full, as "make torture" sets it, runs each
// at its full length.
package torture
