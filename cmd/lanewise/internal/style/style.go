// Package style is how pictures look: their colours and their text.
package style

import (
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// DPI is the number of pixels in an inch of PNG; other formats have none.
const DPI = 144

// Colours of Okabe and Ito's set, which the colour-blind can tell apart, and a grey beside them.
var (
	Vermillion = color.NRGBA{213, 94, 0, 255}
	Blue       = color.NRGBA{0, 114, 178, 255}
	Green      = color.NRGBA{0, 158, 115, 255}
	Orange     = color.NRGBA{230, 159, 0, 255}
	Purple     = color.NRGBA{204, 121, 167, 255}
	Sky        = color.NRGBA{86, 180, 233, 255}
	Grey       = color.NRGBA{150, 150, 150, 255}
)

// Text is sans serif, of a size in points, and its middle is where it is put.
func Text(size float64) text.Style {
	style := plot.New().Title.TextStyle
	style.Font.Variant, style.Font.Size = "Sans", vg.Points(size)
	style.XAlign, style.YAlign = draw.XCenter, draw.YCenter
	return style
}
