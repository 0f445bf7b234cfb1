/*
 * Values from and to XML-RPC.
 *
 * xmlrpc-c parses; it does not serialise: its serialiser cuts doubles to 15 digits, recurses for
 * ever on an infinite one, writes control characters raw and refuses characters above U+FFFF.
 */
#include "value/value_xmlrpc.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "value/value.h"
#include "value/xml_text.h"

static json_t *string_from(xmlrpc_env *env, xmlrpc_value *from)
{
	auto_str text = { 0 };
	const char *bytes;
	json_t *value;
	size_t length;

	xmlrpc_read_string_lp(env, from, &length, &bytes);
	if (env->fault_occurred)
		return NULL;
	if (xml_is_number(bytes)) {
		value = json_real(strtod(bytes + strlen(XML_NUMBER_MARK), NULL));
	} else {
		xml_unmap(&text, bytes, length);
		value = json_stringn_nocheck(text.text, text.length);
	}
	free((char *)bytes);
	return value;
}

static json_t *time_from(xmlrpc_env *env, xmlrpc_value *from)
{
	const char *text;
	json_t *value;

	xmlrpc_read_datetime_str(env, from, &text);
	if (env->fault_occurred)
		return NULL;
	value = value_time(text);
	free((char *)text);
	return value;
}

static json_t *bytes_from(xmlrpc_env *env, xmlrpc_value *from)
{
	const unsigned char *bytes;
	size_t length;
	json_t *value;

	xmlrpc_read_base64(env, from, &length, &bytes);
	if (env->fault_occurred)
		return NULL;
	value = value_bytes(bytes, length);
	free((unsigned char *)bytes);
	return value;
}

static json_t *integer_from(xmlrpc_env *env, xmlrpc_value *from)
{
	xmlrpc_int64 wide = 0;
	int narrow = 0;

	if (xmlrpc_value_type(from) == XMLRPC_TYPE_INT) {
		xmlrpc_read_int(env, from, &narrow);
		return json_integer(narrow);
	}
	xmlrpc_read_i8(env, from, &wide);
	return json_integer(wide);
}

static json_t *real_from(xmlrpc_env *env, xmlrpc_value *from)
{
	double number = 0;

	xmlrpc_read_double(env, from, &number);
	/* NULL for what is not finite. */
	return json_real(number);
}

static json_t *bool_from(xmlrpc_env *env, xmlrpc_value *from)
{
	xmlrpc_bool truth = 0;

	xmlrpc_read_bool(env, from, &truth);
	return json_boolean(truth);
}

static int array_from(xmlrpc_env *env, xmlrpc_value *from, json_t *array, size_t *members,
		      struct error *err)
{
	int count = xmlrpc_array_size(env, from);

	for (int i = 0; i < count; i++) {
		xmlrpc_value *item;
		json_t *value = NULL;
		int rc;

		xmlrpc_array_read_item(env, from, (unsigned int)i, &item);
		if (env->fault_occurred)
			return error_set(err, EINVAL, "%s", env->fault_string);
		rc = value_from_xmlrpc(item, &value, members, err);
		xmlrpc_DECREF(item);
		if (rc < 0)
			return -1;
		json_array_append_new(array, value);
	}
	return 0;
}

static int member_from(xmlrpc_env *env, xmlrpc_value *key, xmlrpc_value *item, json_t *object,
		       size_t *members, struct error *err)
{
	auto_json *name = string_from(env, key);
	json_t *value = NULL;

	if (!name)
		return error_set(err, EINVAL, "member name: %s", env->fault_string);
	if (value_from_xmlrpc(item, &value, members, err) < 0)
		return error_prefix(err, "member '%s'", json_string_value(name));
	json_object_setn_new_nocheck(object, json_string_value(name), json_string_length(name),
				     value);
	return 0;
}

static int struct_from(xmlrpc_env *env, xmlrpc_value *from, json_t *object, size_t *members,
		       struct error *err)
{
	int count = xmlrpc_struct_size(env, from);

	*members += (size_t)count;
	for (int i = 0; i < count; i++) {
		xmlrpc_value *key, *item;
		int rc;

		xmlrpc_struct_read_member(env, from, (unsigned int)i, &key, &item);
		if (env->fault_occurred)
			return error_set(err, EINVAL, "%s", env->fault_string);
		rc = member_from(env, key, item, object, members, err);
		xmlrpc_DECREF(key);
		xmlrpc_DECREF(item);
		if (rc < 0)
			return -1;
	}
	return 0;
}

static int scalar_from(xmlrpc_env *env, xmlrpc_value *from, json_t **ret, struct error *err)
{
	static json_t *(*const readers[])(xmlrpc_env *, xmlrpc_value *) = {
		[XMLRPC_TYPE_INT] = integer_from,   [XMLRPC_TYPE_BOOL] = bool_from,
		[XMLRPC_TYPE_DOUBLE] = real_from,   [XMLRPC_TYPE_DATETIME] = time_from,
		[XMLRPC_TYPE_STRING] = string_from, [XMLRPC_TYPE_BASE64] = bytes_from,
		[XMLRPC_TYPE_I8] = integer_from,
	};
	xmlrpc_type type = xmlrpc_value_type(from);

	if (type == XMLRPC_TYPE_NIL)
		*ret = json_null();
	else if ((size_t)type < sizeof(readers) / sizeof(readers[0]) && readers[type])
		*ret = readers[type](env, from);
	if (!*ret && type == XMLRPC_TYPE_DOUBLE)
		return error_set(err, EINVAL, "a double must be finite");
	if (!*ret)
		return error_set(err, EINVAL, "%s",
				 env->fault_string ? env->fault_string : "unknown type");
	return 0;
}

int value_from_xmlrpc(xmlrpc_value *from, json_t **ret_value, size_t *ret_members,
		      struct error *err)
{
	auto_json *value = NULL;
	xmlrpc_env env;
	int rc;

	xmlrpc_env_init(&env);
	if (xmlrpc_value_type(from) == XMLRPC_TYPE_ARRAY)
		rc = array_from(&env, from, value = json_array(), ret_members, err);
	else if (xmlrpc_value_type(from) == XMLRPC_TYPE_STRUCT)
		rc = struct_from(&env, from, value = json_object(), ret_members, err);
	else
		rc = scalar_from(&env, from, &value, err);
	xmlrpc_env_clean(&env);
	if (!rc)
		*ret_value = take_ptr(value);
	return rc;
}

static void real_to_xml(double number, struct str *ret)
{
	char text[400];

	if (!isfinite(number)) {
		str_addf(ret, "<string>%s</string>",
			 isnan(number) ? "nan"
			 : number < 0  ? "-inf"
				       : "inf");
		return;
	}
	/* XML-RPC knows no exponents, but Python and xmlrpc-c read them, and 1e300 has 300 digits.
	 */
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, number);
		if (strtod(text, NULL) == number)
			break;
	}
	str_addf(ret, "<double>%s%s</double>", text, strpbrk(text, ".e") ? "" : ".0");
}

static void integer_to_xml(json_int_t number, struct str *ret)
{
	const char *type = number >= INT32_MIN && number <= INT32_MAX ? "int" : "i8";

	str_addf(ret, "<%s>%lld</%s>", type, (long long)number, type);
}

static void array_to_xml(const json_t *array, struct str *ret)
{
	json_t *item;
	size_t i;

	str_adds(ret, "<array><data>");
	json_array_foreach (array, i, item)
		value_to_xml(item, ret);
	str_adds(ret, "</data></array>");
}

static void object_to_xml(const json_t *object, struct str *ret)
{
	const char *bytes = value_bytes_base64(object), *when = value_get_time(object);
	const char *key;
	json_t *item;

	if (bytes || when) {
		str_adds(ret, bytes ? "<base64>" : "<dateTime.iso8601>");
		xml_add_text(ret, bytes ? bytes : when, strlen(bytes ? bytes : when));
		str_adds(ret, bytes ? "</base64>" : "</dateTime.iso8601>");
		return;
	}
	str_adds(ret, "<struct>");
	/* Iterating does not change the object, but jansson's iterators are not const. */
	json_object_foreach ((json_t *)object, key, item) {
		str_adds(ret, "<member><name>");
		xml_add_text(ret, key, strlen(key));
		str_adds(ret, "</name>");
		value_to_xml(item, ret);
		str_adds(ret, "</member>");
	}
	str_adds(ret, "</struct>");
}

void value_to_xml(const json_t *value, struct str *ret)
{
	str_adds(ret, "<value>");
	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_OBJECT:
		object_to_xml(value, ret);
		break;
	case JSON_ARRAY:
		array_to_xml(value, ret);
		break;
	case JSON_STRING:
		/* Without a type it is a string, and clients have a sixth less to parse. */
		xml_add_text(ret, json_string_value(value), json_string_length(value));
		break;
	case JSON_INTEGER:
		integer_to_xml(json_integer_value(value), ret);
		break;
	case JSON_REAL:
		real_to_xml(json_real_value(value), ret);
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		str_adds(ret,
			 json_is_true(value) ? "<boolean>1</boolean>" : "<boolean>0</boolean>");
		break;
	case JSON_NULL:
		str_adds(ret, "<nil/>");
		break;
	}
	str_adds(ret, "</value>");
}
