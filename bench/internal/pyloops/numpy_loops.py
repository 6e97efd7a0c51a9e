"""Training the two-layer net with NumPy: tuned, and as the notebook does."""


def tuned(x, t, params, batch, rate):
    """As few passes and arrays as NumPy lets one have: in place, no copies of masks, the loss never computed."""
    w1, b1, w2, b2 = params
    rate = x.dtype.type(rate)
    row = np.arange(batch)

    def step(picks):
        images, labels = x[picks], t[picks]
        hidden = images @ w1 + b1
        np.maximum(hidden, 0, out=hidden)
        d = hidden @ w2 + b2
        d -= d.max(axis=1, keepdims=True)
        np.exp(d, out=d)
        d /= d.sum(axis=1, keepdims=True)
        d[row, labels] -= 1
        d /= batch
        gradient_w2, gradient_b2 = hidden.T @ d, d.sum(axis=0)
        d_hidden = d @ w2.T
        d_hidden *= hidden > 0
        gradient_w1, gradient_b1 = images.T @ d_hidden, d_hidden.sum(axis=0)
        w1[...] -= rate * gradient_w1
        b1[...] -= rate * gradient_b1
        w2[...] -= rate * gradient_w2
        b2[...] -= rate * gradient_b2

    return step


def notebook(x, t, params, batch, rate):
    """What the notebook's classes compute, array by array: masked copies, the exponentials twice, the gradient of the
    pixels, which nobody asks for, and the loss once more after the update."""
    w1, b1, w2, b2 = params

    def forward(images):
        raw = np.dot(images, w1) + b1
        mask = raw <= 0
        hidden = raw.copy()
        hidden[mask] = 0
        return mask, hidden, np.dot(hidden, w2) + b2

    def softmax(logits):
        columns = logits.T
        columns = columns - np.max(columns, axis=0)
        return (np.exp(columns) / np.sum(np.exp(columns), axis=0)).T

    def loss(p, labels):
        return -np.sum(np.log(p[np.arange(batch), labels] + 1e-7)) / batch

    def affine_backward(d, inputs, weights):
        return np.dot(d, weights.T), np.dot(inputs.T, d), np.sum(d, axis=0)

    def step(picks):
        images, labels = x[picks], t[picks]
        mask, hidden, logits = forward(images)
        p = softmax(logits)
        loss(p, labels)
        d = p.copy()
        d[np.arange(batch), labels] -= 1
        d = d / batch
        d, gradient_w2, gradient_b2 = affine_backward(d, hidden, w2)
        d[mask] = 0
        d, gradient_w1, gradient_b1 = affine_backward(d, images, w1)
        for param, gradient in zip(params, (gradient_w1, gradient_b1, gradient_w2, gradient_b2)):
            param -= rate * gradient
        return loss(softmax(forward(images)[2]), labels)

    return step


def begin(problem):
    def loop(make, method):
        params = [array.copy() for array in problem.start]
        random = np.random.RandomState()
        draw, samples, batch = getattr(random, method), len(problem.labels), problem.batch
        step = make(problem.images, problem.labels, params, batch, problem.rate)
        return Loop(problem.start, params, random.seed, lambda: draw(samples, size=batch), np.array, step)

    # The notebook draws with choice, which calls randint.
    return {"tuned": loop(tuned, "randint"), "notebook": loop(notebook, "choice")}


serve(np, begin, openblas())
