package io.fedlearn.grpc.internal.transfer;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** Reads the fields of a protobuf message that lies in pieces, without joining them. Confined to one thread. */
final class ByteParts {
    private static final int VARINT = 0;
    private static final int FIXED64 = 1;
    static final int LENGTH = 2;
    private static final int GROUP = 3;
    private static final int END_GROUP = 4;
    static final int FIXED32 = 5;
    private static final int MAX_DEPTH = 16;

    private final List<ByteBuffer> parts;
    private int index;
    private long remaining;

    ByteParts(List<ByteBuffer> parts) {
        this.parts = parts;
        for (ByteBuffer part : parts) {
            remaining += part.remaining();
        }
    }

    /** Thrown when the bytes are no message. */
    static final class MalformedException extends Exception {
        private static final long serialVersionUID = 1L;

        MalformedException(String message) {
            super(message);
        }

        /** What is wrong; never missing. */
        @Override
        public String getMessage() {
            return String.valueOf(super.getMessage());
        }
    }

    boolean hasRemaining() {
        return remaining > 0;
    }

    private ByteBuffer part() throws MalformedException {
        if (remaining == 0) {
            throw new MalformedException("the message ends within a field");
        }
        while (!parts.get(index).hasRemaining()) {
            index++;
        }
        return parts.get(index);
    }

    private int next() throws MalformedException {
        int value = part().get() & 0xff;
        remaining--;
        return value;
    }

    long varint() throws MalformedException {
        long value = 0;
        for (int shift = 0; shift < Long.SIZE; shift += 7) {
            int bits = next();
            value |= (long) (bits & 0x7f) << shift;
            if (bits < 0x80) {
                return value;
            }
        }
        throw new MalformedException("a varint does not end");
    }

    int fixed32() throws MalformedException {
        return next() | next() << 8 | next() << 16 | next() << 24;
    }

    /** A field's number and wire type. */
    int tag() throws MalformedException {
        long tag = varint();
        if (tag >>> 3 == 0 || tag > 0xffffffffL) {
            throw new MalformedException("a field has no valid number");
        }
        return (int) tag;
    }

    /** The bytes of a field with a length, as slices. */
    List<ByteBuffer> bytes() throws MalformedException {
        long length = varint();
        if (length < 0 || length > remaining) {
            throw new MalformedException("a field is longer than its message");
        }
        List<ByteBuffer> slices = new ArrayList<>();
        for (long left = length; left > 0; ) {
            ByteBuffer part = part();
            int count = (int) Math.min(left, part.remaining());
            slices.add(part.slice(part.position(), count));
            part.position(part.position() + count);
            remaining -= count;
            left -= count;
        }
        return slices;
    }

    private void skip(long count) throws MalformedException {
        if (count < 0 || count > remaining) {
            throw new MalformedException("a field is longer than its message");
        }
        for (long left = count; left > 0; ) {
            ByteBuffer part = part();
            int step = (int) Math.min(left, part.remaining());
            part.position(part.position() + step);
            remaining -= step;
            left -= step;
        }
    }

    /** Passes over a field that is not known. */
    void skipField(int tag) throws MalformedException {
        skipField(tag, 0);
    }

    private void skipField(int tag, int depth) throws MalformedException {
        switch (tag & 7) {
            case VARINT -> varint();
            case FIXED64 -> skip(Long.BYTES);
            case LENGTH -> skip(varint());
            case FIXED32 -> skip(Integer.BYTES);
            case GROUP -> {
                if (depth == MAX_DEPTH) {
                    throw new MalformedException("groups are nested too deeply");
                }
                for (int inner = tag(); (inner & 7) != END_GROUP; inner = tag()) {
                    skipField(inner, depth + 1);
                }
            }
            default -> throw new MalformedException("a field has no valid wire type");
        }
    }
}
