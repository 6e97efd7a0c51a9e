package nn

import "github.com/lanewise/lanewise/kernels"

// updateRule is how gradients change the parameters: gradient descent, with
// momentum if that is not 0,
//
//	velocity = momentum*velocity + gradient
//	parameter -= rate*velocity
//
// beginning with velocity 0. The rate is outside the sum, so that a new one
// holds for the whole of the next update.
type updateRule[T kernels.Float] struct {
	ops      kernels.Ops[T]
	momentum T
	velocity Params[T] // only with momentum
}

func newUpdateRule[T kernels.Float](ops kernels.Ops[T], momentum float64, params Params[T]) updateRule[T] {
	u := updateRule[T]{ops: ops, momentum: T(momentum)}
	if u.momentum != 0 {
		u.velocity = params.zeros()
	}
	return u
}

// plain reports whether the update goes along the gradient itself.
func (u *updateRule[T]) plain() bool { return u.momentum == 0 }

// direction makes of the gradient, in place, what the update goes along.
func (u *updateRule[T]) direction(gradient Params[T]) {
	if u.plain() {
		return
	}
	velocity := u.velocity.List()
	for i, g := range gradient.List() {
		u.ops.Axpy(u.momentum, velocity[i].Data, g.Data)
		copy(velocity[i].Data, g.Data)
	}
}

// apply goes down along what direction has made.
func (u *updateRule[T]) apply(params, direction Params[T], rate float64) {
	along := direction.List()
	for i, p := range params.List() {
		u.ops.Axpy(T(-rate), along[i].Data, p.Data)
	}
}
