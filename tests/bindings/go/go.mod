module conformance

go 1.19

require emqxtls v0.0.0

replace emqxtls => ../../../examples/bindings/go
