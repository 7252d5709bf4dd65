package mlflow

import (
	"iter"
	"slices"
)

// An Object is one JSON object: members in order, numbers digit by digit,
// unknown members kept.
//
// A value is one of nil, bool, string, Number, []any (of values) or *Object.
// The nil *Object is an empty object that cannot be set.
type Object struct {
	members []Member
}

// A Member is one key of an object with its value.
type Member struct {
	Key   string
	Value any
}

// A Number is a JSON number as it was written, such as "1e+16" or "5.0".
type Number string

// NewObject makes an object of members, in this order. Keys must be distinct.
func NewObject(members ...Member) *Object {
	return &Object{members: members}
}

// Len counts the members.
func (o *Object) Len() int {
	if o == nil {
		return 0
	}
	return len(o.members)
}

// All ranges over the members in order. The object must not be changed meanwhile.
func (o *Object) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		if o == nil {
			return
		}
		for _, m := range o.members {
			if !yield(m.Key, m.Value) {
				return
			}
		}
	}
}

// TextSize is about how many bytes of memory the object's text takes, with
// that of all objects and lists in it.
func (o *Object) TextSize() int {
	n := 0
	for _, v := range o.All() {
		n += textSize(v)
	}
	return n
}

func textSize(v any) int {
	const word = 48 // of a member, beside its text
	switch v := v.(type) {
	case string:
		return word + len(v)
	case *Object:
		return word + v.TextSize()
	case []any:
		n := word
		for _, item := range v {
			n += textSize(item)
		}
		return n
	}
	return word
}

func (o *Object) index(key string) int {
	if o == nil {
		return -1
	}
	for i := range o.members {
		if o.members[i].Key == key {
			return i
		}
	}
	return -1
}

// Get returns the value of key and whether it is there; null counts as there.
func (o *Object) Get(key string) (any, bool) {
	if i := o.index(key); i >= 0 {
		return o.members[i].Value, true
	}
	return nil, false
}

// Has tells whether key is there.
func (o *Object) Has(key string) bool { return o.index(key) >= 0 }

// Text returns the string at key, or a number as its digits, or "".
func (o *Object) Text(key string) string {
	v, _ := o.Get(key)
	switch v := v.(type) {
	case string:
		return v
	case Number:
		return string(v)
	}
	return ""
}

// Object returns the object at key, or nil.
func (o *Object) Object(key string) *Object {
	v, _ := o.Get(key)
	c, _ := v.(*Object)
	return c
}

// List returns the list at key, or nil.
func (o *Object) List(key string) []any {
	v, _ := o.Get(key)
	l, _ := v.([]any)
	return l
}

// Objects ranges over the objects in the list at key; other items are passed over.
func (o *Object) Objects(key string) iter.Seq[*Object] {
	return func(yield func(*Object) bool) {
		for _, v := range o.List(key) {
			if c, ok := v.(*Object); ok && !yield(c) {
				return
			}
		}
	}
}

// Set gives key a value: in place when it is there, else as the last member.
func (o *Object) Set(key string, value any) {
	if i := o.index(key); i >= 0 {
		o.members[i].Value = value
		return
	}
	o.members = append(o.members, Member{key, value})
}

// Append adds a member without looking whether key is there: for decoders and
// for builders whose keys are distinct by construction.
func (o *Object) Append(key string, value any) {
	o.members = append(o.members, Member{key, value})
}

// SetAfter is Set, but a new member stands behind the member called after, or
// first when that is not there.
func (o *Object) SetAfter(after, key string, value any) {
	if i := o.index(key); i >= 0 {
		o.members[i].Value = value
		return
	}
	o.members = slices.Insert(o.members, o.index(after)+1, Member{key, value})
}

// Delete removes key.
func (o *Object) Delete(key string) {
	if i := o.index(key); i >= 0 {
		o.members = slices.Delete(o.members, i, i+1)
	}
}

// Shallow returns a copy with room for what will be added; what lies below is
// shared with o.
func (o *Object) Shallow() *Object {
	c := &Object{members: make([]Member, 0, o.Len()+8)}
	if o != nil {
		c.members = append(c.members, o.members...)
	}
	return c
}

// With returns a copy that has key set; what lies below is shared with o.
func (o *Object) With(key string, value any) *Object {
	c := o.Shallow()
	c.Set(key, value)
	return c
}

// Clone copies the object and all below it.
func (o *Object) Clone() *Object {
	if o == nil {
		return nil
	}
	c := &Object{members: make([]Member, len(o.members))}
	for i, m := range o.members {
		c.members[i] = Member{m.Key, CloneValue(m.Value)}
	}
	return c
}

// CloneValue copies a value and all below it.
func CloneValue(v any) any {
	switch v := v.(type) {
	case *Object:
		return v.Clone()
	case []any:
		c := make([]any, len(v))
		for i := range v {
			c[i] = CloneValue(v[i])
		}
		return c
	}
	return v
}
