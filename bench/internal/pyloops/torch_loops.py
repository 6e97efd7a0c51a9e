"""Training the two-layer net with PyTorch: with autograd, and with the gradient by hand."""

torch = load("torch")
torch.set_num_threads(1)


def autograd(x, t, params, batch, rate):
    """What one writes: the loss forward, its gradient by autograd, the update in place."""
    w1, b1, w2, b2 = params
    for param in params:
        param.requires_grad_()

    def step(picks):
        hidden = torch.relu(torch.addmm(b1, x[picks], w1))
        loss = torch.nn.functional.cross_entropy(torch.addmm(b2, hidden, w2), t[picks])
        for param in params:
            param.grad = None
        loss.backward()
        with torch.no_grad():
            for param in params:
                param.add_(param.grad, alpha=-rate)

    return step


def by_hand(x, t, params, batch, rate):
    """The gradient written out, and the loss never computed."""
    w1, b1, w2, b2 = params
    row = torch.arange(batch)

    @torch.no_grad()
    def step(picks):
        images = x[picks]
        hidden = torch.relu(torch.addmm(b1, images, w1))
        d = torch.softmax(torch.addmm(b2, hidden, w2), dim=1)
        d[row, t[picks]] -= 1
        d /= batch
        d_hidden = (d @ w2.t()) * (hidden > 0)
        gradients = images.t() @ d_hidden, d_hidden.sum(dim=0), hidden.t() @ d, d.sum(dim=0)
        for param, gradient in zip(params, gradients):
            param.sub_(gradient, alpha=rate)

    return step


def begin(problem):
    x, t = torch.from_numpy(problem.images), torch.from_numpy(problem.labels.astype(np.int64))
    samples, shape = len(t), (problem.batch,)

    def loop(make):
        # PyTorch's own memory is aligned better than NumPy's.
        params = [torch.from_numpy(array).clone() for array in problem.start]
        step = make(x, t, params, problem.batch, problem.rate)
        return Loop(problem.start, [param.detach().numpy() for param in params], torch.manual_seed,
                    lambda: torch.randint(0, samples, shape), torch.tensor, step)

    return {"autograd": loop(autograd), "by-hand": loop(by_hand)}


# Where PyTorch has MKL, OpenBLAS is NumPy's.
serve(torch, begin, {} if torch.backends.mkl.is_available() else openblas())
