// Numbers with their derivatives: arithmetic on them differentiates a formula as it stands.

export class Dual {
  constructor(
    readonly value: number,
    readonly slopes: readonly number[],
  ) {}

  private combined(value: number, other: Dual, own: number, others: number): Dual {
    return new Dual(
      value,
      this.slopes.map((slope, i) => own * slope + others * other.slopes[i]!),
    );
  }

  plus(other: Dual): Dual {
    return this.combined(this.value + other.value, other, 1, 1);
  }

  minus(other: Dual): Dual {
    return this.combined(this.value - other.value, other, 1, -1);
  }

  times(other: Dual): Dual {
    return this.combined(this.value * other.value, other, other.value, this.value);
  }

  over(other: Dual): Dual {
    const quotient = this.value / other.value;
    return this.combined(quotient, other, 1 / other.value, -quotient / other.value);
  }

  squared(): Dual {
    return this.times(this);
  }

  exp(): Dual {
    const value = Math.exp(this.value);
    return this.combined(value, this, value, 0);
  }

  /** Of equal numbers, both decide half the slope. */
  max(other: Dual): Dual {
    const own = this.value === other.value ? 0.5 : Number(this.value > other.value);
    return this.combined(Math.max(this.value, other.value), other, own, 1 - own);
  }

  min(other: Dual): Dual {
    const own = this.value === other.value ? 0.5 : Number(this.value < other.value);
    return this.combined(Math.min(this.value, other.value), other, own, 1 - own);
  }

  /** atan(this / other), the slope of which exists where `other` is 0, too; 0 where both are. */
  atanOver(other: Dual): Dual {
    const square = this.value ** 2 + other.value ** 2;
    if (square === 0) return this.combined(0, other, 0, 0);
    return this.combined(Math.atan(this.value / other.value), other, other.value / square, -this.value / square);
  }
}

export const constant = (value: number, count: number): Dual => new Dual(value, new Array<number>(count).fill(0));

/** Numbers by each of which the formula is differentiated. */
export const variables = (values: readonly number[]): Dual[] =>
  values.map(
    (value, i) =>
      new Dual(
        value,
        values.map((_, k) => Number(i === k)),
      ),
  );
