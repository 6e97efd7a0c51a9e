package dataset

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"slices"

	"golang.org/x/image/draw"
)

// maxPicture bounds the pixels of a picture, more than cameras make.
const maxPicture = 100_000_000

func readPicture(path string, form Form) ([]uint8, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := png.DecodeConfig(bufio.NewReader(f))
	if err != nil {
		return nil, fmt.Errorf("%s: not a readable PNG: %w", path, err)
	}
	if size.Width*size.Height > maxPicture {
		return nil, fmt.Errorf("%s: a picture of %d x %d pixels, expected at most %d; make it smaller", path, size.Width, size.Height, maxPicture)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	img, err := png.Decode(bufio.NewReader(f))
	if err != nil {
		return nil, fmt.Errorf("%s: not a readable PNG: %w", path, err)
	}
	pixels, err := Picture(img, form)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return pixels, nil
}

const (
	leastContrast = 0.1        // of black to white, between the figure and what it is on
	faintest      = 0.02       // of the figure's darkest: paler than that is not part of it
	boxShare      = 20.0 / 28. // of the image that the figure fills
)

// Picture makes an image of the given form of a picture of one figure, such as
// a digit, on a plain ground, as the images of MNIST were made:
//
//  1. Transparent parts become white, colours grey.
//  2. The ground, which is the median along the picture's edge, becomes 0 and
//     what differs from it most becomes form.Max. A dark figure on a light
//     ground is thereby inverted; a light one on a dark ground is not.
//  3. The figure is cut out and, with its proportions, resized to fit into a
//     box of 20/28 of the image: 20 x 20 of 28 x 28 pixels.
//  4. It is placed with its centre of mass in the middle, as far as that does
//     not push it over the edge. In MNIST that is pixel 14 of 28, counted from
//     0 in both directions, give or take half a pixel.
//
// The error says that there is no figure to be seen.
func Picture(img image.Image, form Form) ([]uint8, error) {
	ink, err := inkOf(img)
	if err != nil {
		return nil, err
	}
	cut := figureOf(ink)
	scale := min(boxShare*float64(form.Rows)/float64(cut.Dy()), boxShare*float64(form.Cols)/float64(cut.Dx()))
	figure := image.NewRGBA(image.Rect(0, 0, max(1, int(math.Round(scale*float64(cut.Dx())))), max(1, int(math.Round(scale*float64(cut.Dy()))))))
	draw.BiLinear.Scale(figure, figure.Rect, ink, cut, draw.Src, nil)

	at := placeFor(figure, form)
	pixels := make([]uint8, form.Rows*form.Cols)
	for y := range figure.Rect.Dy() {
		for x := range figure.Rect.Dx() {
			v := float64(figure.Pix[figure.PixOffset(x, y)]) / math.MaxUint8
			pixels[(at.Y+y)*form.Cols+at.X+x] = uint8(math.Round(v * float64(form.Max)))
		}
	}
	return pixels, nil
}

// inkOf returns how much each pixel differs from the ground, the most being 255.
func inkOf(img image.Image) (*image.Gray, error) {
	r := img.Bounds()
	if r.Empty() {
		return nil, errors.New("the picture has no pixels")
	}
	grey := make([]uint16, 0, r.Dx()*r.Dy())
	var edge []uint16
	for y := r.Min.Y; y < r.Max.Y; y++ {
		for x := r.Min.X; x < r.Max.X; x++ {
			v := onWhite(img.At(x, y))
			grey = append(grey, v)
			if y == r.Min.Y || y == r.Max.Y-1 || x == r.Min.X || x == r.Max.X-1 {
				edge = append(edge, v)
			}
		}
	}
	slices.Sort(edge)
	ground := int(edge[len(edge)/2])
	sign := 1
	if ground > math.MaxUint16/2 {
		sign = -1
	}
	most := 0
	for _, v := range grey {
		most = max(most, sign*(int(v)-ground))
	}
	if float64(most) < leastContrast*math.MaxUint16 {
		return nil, errors.New("no figure is to be seen in the picture; it needs to be dark on a light ground, or light on a dark one")
	}
	ink := image.NewGray(image.Rect(0, 0, r.Dx(), r.Dy()))
	for i, v := range grey {
		ink.Pix[i] = uint8((max(0, sign*(int(v)-ground))*math.MaxUint8 + most/2) / most)
	}
	return ink, nil
}

// onWhite returns the luminance of c on white, by the weights of ITU-R BT.601.
func onWhite(c color.Color) uint16 {
	r, g, b, a := c.RGBA() // premultiplied
	clear := math.MaxUint16 - a
	return color.Gray16Model.Convert(color.RGBA64{uint16(r + clear), uint16(g + clear), uint16(b + clear), math.MaxUint16}).(color.Gray16).Y
}

// figureOf returns the smallest rectangle with all that is not too faint.
func figureOf(ink *image.Gray) (box image.Rectangle) {
	const least = faintest * math.MaxUint8
	for y := range ink.Rect.Dy() {
		for x := range ink.Rect.Dx() {
			if float64(ink.Pix[y*ink.Stride+x]) >= least {
				box = box.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return box
}

// placeFor returns where the figure goes, so that its centre of mass is in the middle.
func placeFor(figure *image.RGBA, form Form) image.Point {
	var mass, sumX, sumY float64
	for y := range figure.Rect.Dy() {
		for x := range figure.Rect.Dx() {
			v := float64(figure.Pix[figure.PixOffset(x, y)])
			mass += v
			sumX += v * (float64(x) + 0.5)
			sumY += v * (float64(y) + 0.5)
		}
	}
	place := func(side, size int, centre float64) int {
		return min(max(0, int(math.Round(float64(side/2)+0.5-centre))), side-size)
	}
	return image.Pt(place(form.Cols, figure.Rect.Dx(), sumX/mass), place(form.Rows, figure.Rect.Dy(), sumY/mass))
}
