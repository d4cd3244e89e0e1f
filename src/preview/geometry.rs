//! Where things are seen: rectangles and the ways from one place to another.

/// A rectangle in the coordinates of the resting frame, in pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Area {
    pub(super) left: f32,
    pub(super) top: f32,
    pub(super) right: f32,
    pub(super) bottom: f32,
}

impl Area {
    pub(super) fn width(&self) -> f32 {
        self.right - self.left
    }

    pub(super) fn height(&self) -> f32 {
        self.bottom - self.top
    }

    pub(super) fn union(self, other: Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }

    pub(super) fn grown(self, margin: f32) -> Self {
        Self {
            left: self.left - margin,
            top: self.top - margin,
            right: self.right + margin,
            bottom: self.bottom + margin,
        }
    }

    /// The part that both cover; it may be empty.
    pub(super) fn intersection(self, other: Self) -> Self {
        Self {
            left: self.left.max(other.left),
            top: self.top.max(other.top),
            right: self.right.min(other.right),
            bottom: self.bottom.min(other.bottom),
        }
    }
}

/// Where a point of the resting frame is seen: `x' = a*x + c*y + e`, `y' = b*x + d*y + f`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Affine {
    pub(super) a: f32,
    pub(super) b: f32,
    pub(super) c: f32,
    pub(super) d: f32,
    pub(super) e: f32,
    pub(super) f: f32,
}

impl Affine {
    pub(super) const IDENTITY: Self = Self { a: 1.0, b: 0.0, c: 0.0, d: 1.0, e: 0.0, f: 0.0 };

    /// Makes everything larger around a point that stays.
    pub(super) fn scale_around(horizontal: f32, vertical: f32, x: f32, y: f32) -> Self {
        Self {
            a: horizontal,
            d: vertical,
            e: x - horizontal * x,
            f: y - vertical * y,
            ..Self::IDENTITY
        }
    }

    pub(super) fn translate(x: f32, y: f32) -> Self {
        Self { e: x, f: y, ..Self::IDENTITY }
    }

    pub(super) fn rotate_around(angle: f32, x: f32, y: f32) -> Self {
        let (sin, cos) = angle.sin_cos();
        Self { a: cos, b: sin, c: -sin, d: cos, e: x - cos * x + sin * y, f: y - sin * x - cos * y }
    }

    /// Slides rows sideways in proportion to their distance from row `still`.
    pub(super) fn shear_below(amount: f32, still: f32) -> Self {
        Self { c: amount, e: -amount * still, ..Self::IDENTITY }
    }

    /// This one first, `next` after it.
    pub(super) fn then(self, next: Self) -> Self {
        Self {
            a: next.a * self.a + next.c * self.b,
            b: next.b * self.a + next.d * self.b,
            c: next.a * self.c + next.c * self.d,
            d: next.b * self.c + next.d * self.d,
            e: next.a * self.e + next.c * self.f + next.e,
            f: next.b * self.e + next.d * self.f + next.f,
        }
    }

    /// The way back. Scales of the stage are never zero, so there is one.
    pub(super) fn inverse(self) -> Self {
        let determinant = self.a * self.d - self.b * self.c;
        let (a, b, c, d) = (
            self.d / determinant,
            -self.b / determinant,
            -self.c / determinant,
            self.a / determinant,
        );
        Self { a, b, c, d, e: -(a * self.e + c * self.f), f: -(b * self.e + d * self.f) }
    }

    fn apply(self, x: f32, y: f32) -> (f32, f32) {
        (self.a * x + self.c * y + self.e, self.b * x + self.d * y + self.f)
    }

    /// The smallest upright rectangle around the image of a rectangle.
    pub(super) fn image_of(self, area: Area) -> Area {
        let corners = [
            (area.left, area.top),
            (area.right, area.top),
            (area.left, area.bottom),
            (area.right, area.bottom),
        ];
        let corners = corners.map(|(x, y)| self.apply(x, y));
        let start = Area { left: f32::MAX, top: f32::MAX, right: f32::MIN, bottom: f32::MIN };
        corners
            .iter()
            .fold(start, |sum, &(x, y)| sum.union(Area { left: x, top: y, right: x, bottom: y }))
    }

    /// How much larger things become, on the axis where they grow most.
    pub(super) fn largest_scale(self) -> f32 {
        self.a.hypot(self.b).max(self.c.hypot(self.d))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transform_and_its_inverse_meet() {
        let there = Affine::scale_around(1.4, 1.2, 10.0, 5.0)
            .then(Affine::shear_below(0.3, 7.0))
            .then(Affine::rotate_around(0.2, 3.0, 4.0));
        let (x, y) = there.apply(12.0, -3.0);
        let (x, y) = there.inverse().apply(x, y);
        assert!((x - 12.0).abs() < 1e-3 && (y + 3.0).abs() < 1e-3, "{x} {y}");
    }
}
