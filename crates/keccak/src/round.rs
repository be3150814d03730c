//! One round of keccak-f\[1600\], written once for words and for vectors of words.
//!
//! A macro, because functions with different target features cannot share a generic body and still be
//! inlined. Where it is used these functions on the vector type `V` must be in scope:
//! `xor(a, b)`, `xor3(a, b, c)`, `chi(a, b, c) = a ^ (!b & c)` and `rol::<N>(a)`.

/// Applies theta, rho, pi and chi for one plane of the result: `$rho` is the rotation table, each
/// `$a[i]` a source word and each `$d[x]` the theta effect of its column.
macro_rules! plane {
    ($a:ident, $d:ident, $($i:literal),+) => {{
        let [b0, b1, b2, b3, b4] = [$(
            rol::<{ crate::constants::RHO[$i] as _ }>(xor($a[$i], $d[$i % 5]))
        ),+];
        [chi(b0, b1, b2), chi(b1, b2, b3), chi(b2, b3, b4), chi(b3, b4, b0), chi(b4, b0, b1)]
    }};
}

/// Evaluates to the theta effect of each column of the state `$a`.
macro_rules! theta {
    ($a:ident) => {{
        let c0 = xor3(xor3($a[0], $a[5], $a[10]), $a[15], $a[20]);
        let c1 = xor3(xor3($a[1], $a[6], $a[11]), $a[16], $a[21]);
        let c2 = xor3(xor3($a[2], $a[7], $a[12]), $a[17], $a[22]);
        let c3 = xor3(xor3($a[3], $a[8], $a[13]), $a[18], $a[23]);
        let c4 = xor3(xor3($a[4], $a[9], $a[14]), $a[19], $a[24]);
        [
            xor(c4, rol::<1>(c1)),
            xor(c0, rol::<1>(c2)),
            xor(c1, rol::<1>(c3)),
            xor(c2, rol::<1>(c4)),
            xor(c3, rol::<1>(c0)),
        ]
    }};
}

/// Evaluates to the state after one round on the state `$a` with the round constant `$rc`.
macro_rules! round {
    ($a:ident, $rc:expr) => {{
        let d = crate::round::theta!($a);
        let [p0, p1, p2, p3, p4] = crate::round::plane!($a, d, 0, 6, 12, 18, 24);
        let [q0, q1, q2, q3, q4] = crate::round::plane!($a, d, 3, 9, 10, 16, 22);
        let [r0, r1, r2, r3, r4] = crate::round::plane!($a, d, 1, 7, 13, 19, 20);
        let [s0, s1, s2, s3, s4] = crate::round::plane!($a, d, 4, 5, 11, 17, 23);
        let [t0, t1, t2, t3, t4] = crate::round::plane!($a, d, 2, 8, 14, 15, 21);
        [
            xor(p0, $rc),
            p1,
            p2,
            p3,
            p4,
            q0,
            q1,
            q2,
            q3,
            q4,
            r0,
            r1,
            r2,
            r3,
            r4, //
            s0,
            s1,
            s2,
            s3,
            s4,
            t0,
            t1,
            t2,
            t3,
            t4,
        ]
    }};
}

/// Evaluates to the first four words after the last round: the digest.
macro_rules! last_round {
    ($a:ident, $rc:expr) => {{
        let d = crate::round::theta!($a);
        let [p0, p1, p2, p3, _] = crate::round::plane!($a, d, 0, 6, 12, 18, 24);
        [xor(p0, $rc), p1, p2, p3]
    }};
}

pub(crate) use {last_round, plane, round, theta};
