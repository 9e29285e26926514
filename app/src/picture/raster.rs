//! Paints what the window would show into an image, on the processor: no display, no graphics
//! driver, the same pixels on every machine.
//!
//! Source: the meshes that egui hands to any painter: triangles with premultiplied colours that
//! are multiplied with a texture and blended in gamma space, as its OpenGL shader does.

use std::collections::HashMap;

use eframe::egui::epaint::textures::TexturesDelta;
use eframe::egui::epaint::{ClippedPrimitive, ImageData, Mesh, Primitive, Vertex};
use eframe::egui::{Color32, ColorImage, Rect, TextureId};
use image::{Rgba, RgbaImage};

/// The textures so far.
#[derive(Default)]
pub struct Raster {
    textures: HashMap<TextureId, ColorImage>,
}

impl Raster {
    /// Takes new and changed textures, and forgets freed ones.
    #[expect(
        clippy::iter_over_hash_type,
        reason = "textures do not depend on each other, and the changes of one are in order"
    )]
    pub fn update(&mut self, delta: &mut TexturesDelta) {
        for (id, changes) in delta.set.drain() {
            for change in changes {
                let ImageData::Color(patch) = &change.image;
                match change.pos {
                    None => {
                        self.textures.insert(id, patch.as_ref().clone());
                    }
                    Some([left, top]) => {
                        if let Some(whole) = self.textures.get_mut(&id) {
                            put(whole, patch, left, top);
                        }
                    }
                }
            }
        }
        for id in delta.free.drain() {
            self.textures.remove(&id);
        }
    }

    /// Paints over `background`. `scale` is pixels per point.
    pub fn paint(
        &self,
        primitives: &[ClippedPrimitive],
        [width, height]: [u32; 2],
        scale: f32,
        background: Color32,
    ) -> RgbaImage {
        let [r, g, b, _] = background.to_array();
        let mut image = RgbaImage::from_pixel(width, height, Rgba([r, g, b, 255]));
        for ClippedPrimitive {
            clip_rect,
            primitive,
        } in primitives
        {
            let Primitive::Mesh(mesh) = primitive else {
                // The console has no painting of its own on the graphics card.
                continue;
            };
            let Some(texture) = self.textures.get(&mesh.texture_id) else {
                continue;
            };
            paint_mesh(&mut image, mesh, texture, *clip_rect * scale, scale);
        }
        image
    }
}

fn put(whole: &mut ColorImage, patch: &ColorImage, left: usize, top: usize) {
    let (wide, across) = (whole.size[0], patch.size[0]);
    for (row, pixels) in patch.pixels.chunks(across).enumerate() {
        let start = (top + row) * wide + left;
        if let Some(place) = whole.pixels.get_mut(start..start + across) {
            place.copy_from_slice(pixels);
        }
    }
}

fn paint_mesh(image: &mut RgbaImage, mesh: &Mesh, texture: &ColorImage, clip: Rect, scale: f32) {
    for corners in mesh.indices.chunks_exact(3) {
        let corner = |place: usize| {
            let index = *corners.get(place)? as usize;
            mesh.vertices.get(index).copied()
        };
        if let (Some(a), Some(b), Some(c)) = (corner(0), corner(1), corner(2)) {
            paint_triangle(image, [a, b, c], texture, clip, scale);
        }
    }
}

/// One edge: how far a point lies to its left, and whether a point on it belongs to the triangle.
/// Of two triangles that share an edge exactly one owns the points on it.
struct Edge {
    x: f32,
    y: f32,
    dx: f32,
    dy: f32,
    owns: bool,
}

impl Edge {
    fn new(from: [f32; 2], to: [f32; 2]) -> Self {
        let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
        Self {
            x: from[0],
            y: from[1],
            dx,
            dy,
            owns: dy < 0.0 || (dy == 0.0 && dx > 0.0),
        }
    }

    fn at(&self, x: f32, y: f32) -> f32 {
        (x - self.x) * -self.dy + (y - self.y) * self.dx
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "pixels inside the image: small and not negative after clamping"
)]
fn paint_triangle(
    image: &mut RgbaImage,
    corners: [Vertex; 3],
    texture: &ColorImage,
    clip: Rect,
    scale: f32,
) {
    let [a, mut b, mut c] = corners;
    let at = |v: &Vertex| [v.pos.x * scale, v.pos.y * scale];
    let area = |b: &Vertex, c: &Vertex| {
        let ([ax, ay], [bx, by], [cx, cy]) = (at(&a), at(b), at(c));
        (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    };
    if area(&b, &c) < 0.0 {
        std::mem::swap(&mut b, &mut c);
    }
    let doubled = area(&b, &c);
    if doubled <= 0.0 || !doubled.is_finite() {
        return;
    }
    let (pa, pb, pc) = (at(&a), at(&b), at(&c));
    let edges = [Edge::new(pb, pc), Edge::new(pc, pa), Edge::new(pa, pb)];
    let least = |axis: usize| pa[axis].min(pb[axis]).min(pc[axis]);
    let most = |axis: usize| pa[axis].max(pb[axis]).max(pc[axis]);
    let (width, height) = (image.width() as f32, image.height() as f32);
    let left = least(0).max(clip.left().round()).max(0.0).floor() as u32;
    let right = most(0).min(clip.right().round()).min(width).ceil().max(0.0) as u32;
    let top = least(1).max(clip.top().round()).max(0.0).floor() as u32;
    let bottom = most(1)
        .min(clip.bottom().round())
        .min(height)
        .ceil()
        .max(0.0) as u32;
    let flat = a.color == b.color && b.color == c.color && a.uv == b.uv && b.uv == c.uv;
    let solid = flat.then(|| {
        tint(
            a.color.to_array().map(f32::from),
            sample(texture, a.uv.x, a.uv.y),
        )
    });
    for y in top..bottom {
        for x in left..right {
            let (px, py) = (x as f32 + 0.5, y as f32 + 0.5);
            let weights = [
                edges[0].at(px, py),
                edges[1].at(px, py),
                edges[2].at(px, py),
            ];
            let inside = weights
                .iter()
                .zip(&edges)
                .all(|(weight, edge)| *weight > 0.0 || (*weight == 0.0 && edge.owns));
            if !inside {
                continue;
            }
            let source = solid.unwrap_or_else(|| {
                let [wa, wb, wc] = weights.map(|weight| weight / doubled);
                let mix = |f: &dyn Fn(&Vertex) -> f32| wa * f(&a) + wb * f(&b) + wc * f(&c);
                let color: [f32; 4] =
                    std::array::from_fn(|part| mix(&|v| f32::from(v.color.to_array()[part])));
                tint(color, sample(texture, mix(&|v| v.uv.x), mix(&|v| v.uv.y)))
            });
            blend(image.get_pixel_mut(x, y), source);
        }
    }
}

/// The texel at `u`, `v` of 0 to 1.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a texel inside the texture after clamping"
)]
fn sample(texture: &ColorImage, u: f32, v: f32) -> [f32; 4] {
    let [wide, high] = texture.size;
    let place = |share: f32, size: usize| {
        let at = (share * size as f32).floor().max(0.0) as usize;
        at.min(size.saturating_sub(1))
    };
    let at = place(v, high) * wide + place(u, wide);
    texture
        .pixels
        .get(at)
        .map_or([255.0; 4], |pixel| pixel.to_array().map(f32::from))
}

fn tint(color: [f32; 4], texel: [f32; 4]) -> [f32; 4] {
    std::array::from_fn(|part| color[part] * texel[part] / 255.0)
}

/// Puts a premultiplied colour over a pixel.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a channel of 0 to 255 after clamping"
)]
fn blend(pixel: &mut Rgba<u8>, source: [f32; 4]) {
    let keep = 1.0 - source[3] / 255.0;
    for (channel, add) in pixel.0.iter_mut().zip(source).take(3) {
        *channel = (add + f32::from(*channel) * keep).round().clamp(0.0, 255.0) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::{pos2, vec2};

    fn white() -> Raster {
        let mut raster = Raster::default();
        let texel = ColorImage::filled([1, 1], Color32::WHITE);
        raster.textures.insert(TextureId::default(), texel);
        raster
    }

    fn painted(rect: Rect, color: Color32, clip: Rect) -> RgbaImage {
        let mut mesh = Mesh::default();
        mesh.add_colored_rect(rect, color);
        let primitive = ClippedPrimitive {
            clip_rect: clip,
            primitive: Primitive::Mesh(mesh),
        };
        white().paint(&[primitive], [8, 8], 1.0, Color32::BLACK)
    }

    #[test]
    fn a_rectangle_covers_its_pixels_once_and_no_others() {
        let all = Rect::from_min_size(pos2(0.0, 0.0), vec2(8.0, 8.0));
        let half = Color32::from_rgba_premultiplied(100, 0, 0, 128);
        let image = painted(
            Rect::from_min_max(pos2(2.0, 2.0), pos2(6.0, 5.0)),
            half,
            all,
        );
        for (x, y, pixel) in image.enumerate_pixels() {
            let inside = (2..6).contains(&x) && (2..5).contains(&y);
            // Twice on the diagonal would be brighter than once.
            assert_eq!(pixel.0[0], if inside { 100 } else { 0 }, "{x}, {y}");
        }
    }

    #[test]
    fn what_lies_outside_the_clip_is_not_painted() {
        let clip = Rect::from_min_max(pos2(0.0, 0.0), pos2(4.0, 8.0));
        let all = Rect::from_min_size(pos2(0.0, 0.0), vec2(8.0, 8.0));
        let image = painted(all, Color32::WHITE, clip);
        assert_eq!(image.get_pixel(3, 3).0[0], 255);
        assert_eq!(image.get_pixel(4, 3).0[0], 0);
    }
}
