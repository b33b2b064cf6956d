package io.fedlearn.pg.data;

import java.util.Optional;

/** A type of PostgreSQL whose values are one number each, and how that becomes a float. */
enum Scalar {
    FLOAT8(701, (bytes, at) -> (float) Binary.float8(bytes, at)),
    FLOAT4(700, Binary::float4),
    INT2(21, Binary::int2),
    INT4(23, Binary::int4),
    // Not by a double, which would round twice.
    INT8(20, Binary::int8),
    NUMERIC(1700, (bytes, at) -> (float) Binary.numeric(bytes, at));

    /** Reads a value. */
    @FunctionalInterface
    interface Decoder {
        /** The float nearest to the value, infinite if there is none. */
        float read(byte[] bytes, int at);
    }

    private static final Scalar[] ALL = values();

    private final int oid;
    private final Decoder decoder;

    Scalar(int oid, Decoder decoder) {
        this.oid = oid;
        this.decoder = decoder;
    }

    /** The type of an array's elements, by what the server calls it; empty if it is no number. */
    static Optional<Scalar> ofOid(int oid) {
        for (Scalar scalar : ALL) {
            if (scalar.oid == oid) {
                return Optional.of(scalar);
            }
        }
        return Optional.empty();
    }

    /** How its values are read. */
    Decoder decoder() {
        return decoder;
    }
}
